package pppd

import (
	"fmt"
	"slices"
	"strings"

	"upppoe/pppoe/datapath"
)

// ineffectiveRule says when options have no effect because of other options.
type ineffectiveRule struct {
	roles   Role   // 0: both
	options string // their names, separated by spaces
	// ineffective reports whether the options have no effect.
	ineffective func(s *Settings) bool
	why         string
	// overriddenBy names the options that override them by coming later; empty if the order does not
	// matter. If those are in another place, as on the command line, that is intended and not reported.
	overriddenBy string
	// undone reports whether the options have an effect that is undone at once.
	undone bool
}

const (
	limitsOfIPCP   = "ipcp-restart ipcp-max-configure ipcp-max-terminate ipcp-max-failure"
	limitsOfIPv6CP = "ipv6cp-restart ipv6cp-max-configure ipv6cp-max-terminate ipv6cp-max-failure"
	scriptsOfIPv6  = "ipv6-up-script ipv6-down-script"
	scriptsOfDHCP6 = "ipv6-prefix-up-script ipv6-prefix-down-script"
	optionsOfDHCP6 = "dhcp6-address dhcp6-prefix dhcp6-lan dhcp6-request"
)

// ineffectiveRules are all rules, for options of both roles.
var ineffectiveRules = []ineffectiveRule{
	{options: "ipv6 ipv6cp-accept-local " + limitsOfIPv6CP + " " + scriptsOfIPv6, ineffective: noIPv6, why: "noipv6 disables IPv6"},
	{roles: Client, options: optionsOfDHCP6 + " dhcp6-lan-ra defaultroute6 defaultroute6-metric " + scriptsOfDHCP6 + " dhcp6-up-script dhcp6-down-script",
		ineffective: noIPv6, why: "noipv6 disables IPv6"},
	{options: "ipcp-accept-local ipcp-accept-remote ms-dns ms-wins usepeerwins proxyarp ktune defaultroute-metric replacedefaultroute " +
		"ip-pre-up-script ip-up-script ip-down-script " + limitsOfIPCP, ineffective: noIP, why: "noip disables IPv4"},
	{roles: Client, options: "defaultroute", ineffective: func(s *Settings) bool { return s.NoIP && (!s.GlobalIPv6() || s.NoDefaultRoute6) },
		why: "noip disables IPv4, and IPv6 uses no routers"},
	{roles: Client, options: "usepeerdns", ineffective: func(s *Settings) bool { return s.NoIP && !s.GlobalIPv6() },
		why: "noip disables IPv4, and IPv6 requests no name servers"},
	{options: "noip", ineffective: func(s *Settings) bool { return s.NoIP && s.NoIPv6 }, why: "with noipv6 the session carries no packets"},
	{roles: Client, options: "demand", ineffective: noIP, why: "it waits for IPv4 packets, and noip disables IPv4"},

	{roles: Client, options: optionsOfDHCP6, ineffective: func(s *Settings) bool { return s.NoDHCPv6 }, why: "nodhcp6 comes after it", overriddenBy: "nodhcp6"},
	{roles: Client, options: "nodhcp6", ineffective: func(s *Settings) bool { return !s.NoDHCPv6 }, why: "an option after it requests DHCPv6", overriddenBy: optionsOfDHCP6},
	{roles: Client, options: "dhcp6-lan-ra", ineffective: func(s *Settings) bool { return len(s.LANs) == 0 }, why: "no dhcp6-lan is given to advertise on"},
	{roles: Client, options: scriptsOfDHCP6, ineffective: func(s *Settings) bool { return !s.DHCPv6Prefix }, why: "it runs for prefixes, which dhcp6-prefix requests"},
	{roles: Client, options: "dhcp6-up-script dhcp6-down-script", ineffective: func(s *Settings) bool { return !s.DHCPv6AFTR && !s.DHCPv6NTP && !s.DHCPv6S46 },
		why: "it runs for services, which dhcp6-request requests"},

	// auto asks for nothing certain: the unit of systemd gives it to all peers.
	{roles: Client, options: "resolv", ineffective: func(s *Settings) bool { return s.wantsResolver() && !s.UsePeerDNS }, why: "name servers are requested by usepeerdns"},
	{roles: Client, options: "resolv", ineffective: func(s *Settings) bool { return s.wantsResolver() && s.UsePeerDNS && s.NoResolvConf }, why: "noresolvconf disables it"},
	{roles: Client, options: "resolv", ineffective: func(s *Settings) bool {
		return s.Namespace != "" && s.UsePeerDNS && !s.NoResolvConf && (s.Resolv == "resolved" || s.Resolv == "resolvconf")
	}, why: "these programs cannot use a device in another network namespace (netns)"},
	{roles: Client, options: "noresolvconf", ineffective: func(s *Settings) bool { return !s.UsePeerDNS }, why: "without usepeerdns nothing is written"},
	{roles: Client, options: "replacedefaultroute defaultroute-metric", ineffective: func(s *Settings) bool { return !s.DefaultRoute && !s.NoIP }, why: "the route is set by defaultroute"},
	{options: "ktune", ineffective: func(s *Settings) bool { return s.KernelTune && !s.ProxyARP && !s.NoIP }, why: "it needs proxyarp"},

	{roles: Client, options: "lcp-echo-failure lcp-echo-adaptive", ineffective: func(s *Settings) bool { return s.EchoInterval == 0 }, why: "without lcp-echo-interval no Echo-Request is sent"},
	{roles: Client, options: "connect-delay", ineffective: func(s *Settings) bool { return s.Silent }, why: "silent waits for the peer without limit"},
	{roles: Client, options: "chap-interval", ineffective: func(s *Settings) bool { return len(s.RequireAuth()) == 0 }, why: "without auth or a require option the peer does not authenticate"},
	{options: "require-chap require-mschap-v2 require-pap require-eap", ineffective: func(s *Settings) bool { return s.NoAuth && len(s.Require) == 0 },
		why: "noauth comes after it", overriddenBy: "noauth"},

	{roles: Client, options: "holdoff maxfail", ineffective: func(s *Settings) bool { return !s.Persist }, why: "without persist the client does not redial"},
	{roles: Client, options: "idle", ineffective: func(s *Settings) bool { return s.Idle > 0 && s.Persist && !s.Demand },
		why: "it ends the session, and persist redials at once: use demand to wait for traffic", undone: true},
	{options: "mo-direction", ineffective: func(s *Settings) bool { return s.MaxBytes == 0 }, why: "it needs maxoctets"},
	{roles: Client, options: "datapath", ineffective: func(s *Settings) bool {
		return s.Demand && s.DataPath != datapath.KindPlain && s.DataPath != datapath.KindAuto
	}, why: "demand uses the plain data path"},
	{roles: Client, options: "datapath-queues", ineffective: func(s *Settings) bool { return s.Demand || s.DataPath == datapath.KindPlain }, why: "the plain data path has one queue"},
	{roles: Client, options: "pppoe-service pppoe-ac pppoe-ac-also pppoe-mac host-uniq pppoe-padi-timeout pppoe-padi-attempts pppoe-circuit-id pppoe-remote-id",
		ineffective: func(s *Settings) bool { return s.Attach != "" && !s.Persist }, why: "pppoe-sess attaches to a session without discovery"},
	{roles: Client, options: "mss", ineffective: func(s *Settings) bool { return s.MSS > 0 && s.MSS >= s.maxPacket()-40 }, why: "the MTU does not allow more"},

	{roles: Client, options: "password", ineffective: func(s *Settings) bool { return s.HasPassword && s.PasswordFile != "" }, why: "password-file takes precedence"},
	{roles: Client, options: "password", ineffective: func(s *Settings) bool { return s.HasPassword && s.PasswordFile == "" && s.PasswordEnv != "" }, why: "password-env takes precedence"},
	{roles: Client, options: "password-env", ineffective: func(s *Settings) bool { return s.PasswordFile != "" }, why: "password-file takes precedence"},

	{roles: Server, options: "proxyarp", ineffective: func(s *Settings) bool { return s.SharedDevice && s.ProxyARP },
		why: "the pool is routed to the shared device, so sysctl net.ipv4.conf.INTERFACE.proxy_arp=1 answers ARP requests for it on an INTERFACE"},
	{roles: Server, options: "ktune", ineffective: func(s *Settings) bool { return s.SharedDevice && s.KernelTune && s.ProxyARP }, why: "with a shared device, set sysctl net.ipv4.ip_forward=1"},
	{roles: Server, options: "ip-pre-up-script", ineffective: func(s *Settings) bool { return s.SharedDevice }, why: "a shared device is up before its sessions"},
	{roles: Server, options: "nosource-check", ineffective: func(s *Settings) bool { return s.SharedDevice && !s.Policy.CheckSource }, why: "sources of sessions that share a device are always checked"},
	{roles: Server, options: "source-allow", ineffective: func(s *Settings) bool { return !s.Policy.CheckSource && !s.SharedDevice }, why: "it needs source-check"},
	{roles: Server, options: "rate-burst", ineffective: func(s *Settings) bool { return s.Policy.Up.Bits == 0 && s.Policy.Down.Bits == 0 }, why: "it needs rate-up or rate-down"},
}

func noIPv6(s *Settings) bool { return s.NoIPv6 }

func noIP(s *Settings) bool { return s.NoIP }

// maxPacket returns the maximum size of a session's packets, in octets.
func (s *Settings) maxPacket() int {
	const usual = 1492 // RFC 2516 section 7
	if s.MTU > 0 {
		return s.MTU
	}
	return max(s.MRU, usual)
}

// IneffectiveOptions returns a warning for each given option that has no effect, with the reason.
func (s *Settings) IneffectiveOptions(r Role) (notices []string) {
	for _, rule := range ineffectiveRules {
		if rule.roles != 0 && rule.roles&r == 0 || !rule.ineffective(s) {
			continue
		}
		for _, g := range s.occurrences(rule.options) {
			if rule.overriddenBy != "" && !s.inSameFile(g, rule.overriddenBy) {
				continue
			}
			if text := rule.notice(g); !slices.Contains(notices, text) {
				notices = append(notices, text)
			}
		}
	}
	return append(notices, s.tooManyLANs()...)
}

func (o *ineffectiveRule) notice(g ParsedOption) string {
	text := fmt.Sprintf("option %q has no effect: %s", g.Name, o.why)
	if o.undone {
		text = fmt.Sprintf("option %q: %s", g.Name, o.why)
	}
	if g.Where != "" {
		text = g.Where + ": " + text
	}
	return text
}

// occurrences returns the given options that have one of some names.
func (s *Settings) occurrences(names string) (list []ParsedOption) {
	wanted := strings.Fields(names)
	for _, g := range s.Parsed {
		if o := byName[g.Name]; o != nil && slices.Contains(wanted, o.name) {
			list = append(list, g)
		}
	}
	return list
}

// inSameFile reports whether one of some options is in the same file as another, or both are on the
// command line.
func (s *Settings) inSameFile(g ParsedOption, names string) bool {
	file := func(g ParsedOption) string { name, _, _ := strings.Cut(g.Where, ":"); return name }
	return slices.ContainsFunc(s.occurrences(names), func(o ParsedOption) bool { return file(o) == file(g) })
}

// tooManyLANs returns a warning if the requested prefix has fewer /64 networks than there are LANs. The
// server may still delegate a shorter prefix.
func (s *Settings) tooManyLANs() []string {
	const networkBits = 64
	if s.DHCPv6PrefixLength == 0 || networkBits-s.DHCPv6PrefixLength >= 16 {
		return nil
	}
	room := 1 << (networkBits - s.DHCPv6PrefixLength)
	if len(s.LANs) <= room {
		return nil
	}
	return []string{fmt.Sprintf("option \"dhcp6-lan %s\": a prefix of length %d has %d networks: request a shorter one, or this LAN and those after it may get none",
		s.LANs[room], s.DHCPv6PrefixLength, room)}
}

// wantsResolver reports whether a certain way to configure the resolver is wanted.
func (s *Settings) wantsResolver() bool { return s.Resolv != "" && s.Resolv != "auto" }
