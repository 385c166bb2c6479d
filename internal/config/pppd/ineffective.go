package pppd

import (
	"fmt"
	"slices"
	"strings"

	"upppoe/pppoe/datapath"
)

// ineffectiveRule is a rule by which options that were given do nothing beside the others.
type ineffectiveRule struct {
	roles   Role   // 0: both
	options string // their names, parted by spaces
	// ineffective reports whether they do nothing.
	ineffective func(s *Settings) bool
	why         string
	// overriddenBy are the options that have taken the effect away because they come later; empty: the
	// order is not the reason. Where they stand elsewhere, as on the command line, that is what
	// was meant.
	overriddenBy string
	// undone says that the options do something, which is undone at once.
	undone bool
}

const (
	limitsOfIPCP   = "ipcp-restart ipcp-max-configure ipcp-max-terminate ipcp-max-failure"
	limitsOfIPv6CP = "ipv6cp-restart ipv6cp-max-configure ipv6cp-max-terminate ipv6cp-max-failure"
	scriptsOfIPv6  = "ipv6-up-script ipv6-down-script"
	scriptsOfDHCP6 = "ipv6-prefix-up-script ipv6-prefix-down-script"
	optionsOfDHCP6 = "dhcp6-address dhcp6-prefix dhcp6-lan dhcp6-request"
)

// ineffectiveRules are the pairs of options that do nothing together.
var ineffectiveRules = []ineffectiveRule{
	{options: "ipv6 ipv6cp-accept-local " + limitsOfIPv6CP + " " + scriptsOfIPv6, ineffective: noIPv6, why: "noipv6 leaves IPv6 out"},
	{roles: Client, options: optionsOfDHCP6 + " dhcp6-lan-ra defaultroute6 defaultroute6-metric " + scriptsOfDHCP6 + " dhcp6-up-script dhcp6-down-script",
		ineffective: noIPv6, why: "noipv6 leaves IPv6 out"},
	{options: "ipcp-accept-local ipcp-accept-remote ms-dns ms-wins usepeerwins proxyarp ktune defaultroute-metric replacedefaultroute " +
		"ip-pre-up-script ip-up-script ip-down-script " + limitsOfIPCP, ineffective: noIP, why: "noip leaves IPv4 out"},
	{roles: Client, options: "defaultroute", ineffective: func(s *Settings) bool { return s.NoIP && (!s.GlobalIPv6() || s.NoDefaultRoute6) },
		why: "noip leaves IPv4 out, and IPv6 has no routers"},
	{roles: Client, options: "usepeerdns", ineffective: func(s *Settings) bool { return s.NoIP && !s.GlobalIPv6() },
		why: "noip leaves IPv4 out, and IPv6 asks for no name servers"},
	{options: "noip", ineffective: func(s *Settings) bool { return s.NoIP && s.NoIPv6 }, why: "with noipv6 the session carries no packets at all"},
	{roles: Client, options: "demand", ineffective: noIP, why: "it waits for packets of IPv4, which noip leaves out"},

	{roles: Client, options: optionsOfDHCP6, ineffective: func(s *Settings) bool { return s.NoDHCPv6 }, why: "nodhcp6 comes after it", overriddenBy: "nodhcp6"},
	{roles: Client, options: "nodhcp6", ineffective: func(s *Settings) bool { return !s.NoDHCPv6 }, why: "an option after it asks for DHCPv6", overriddenBy: optionsOfDHCP6},
	{roles: Client, options: "dhcp6-lan-ra", ineffective: func(s *Settings) bool { return len(s.LANs) == 0 }, why: "there is no dhcp6-lan to advertise on"},
	{roles: Client, options: scriptsOfDHCP6, ineffective: func(s *Settings) bool { return !s.DHCPv6Prefix }, why: "dhcp6-prefix asks for what it is run with"},
	{roles: Client, options: "dhcp6-up-script dhcp6-down-script", ineffective: func(s *Settings) bool { return !s.DHCPv6AFTR && !s.DHCPv6NTP && !s.DHCPv6S46 },
		why: "dhcp6-request asks for what it is run with"},

	{roles: Client, options: "resolv", ineffective: func(s *Settings) bool { return s.Resolv != "" && !s.UsePeerDNS }, why: "usepeerdns asks for name servers"},
	{roles: Client, options: "resolv", ineffective: func(s *Settings) bool { return s.Resolv != "" && s.UsePeerDNS && s.NoResolvConf }, why: "noresolvconf writes nothing"},
	{roles: Client, options: "resolv", ineffective: func(s *Settings) bool {
		return s.Namespace != "" && s.UsePeerDNS && !s.NoResolvConf && (s.Resolv == "resolved" || s.Resolv == "resolvconf")
	}, why: "these programs do not know a device in another network namespace (netns)"},
	{roles: Client, options: "noresolvconf", ineffective: func(s *Settings) bool { return !s.UsePeerDNS }, why: "without usepeerdns there is nothing to write"},
	{roles: Client, options: "replacedefaultroute defaultroute-metric", ineffective: func(s *Settings) bool { return !s.DefaultRoute && !s.NoIP }, why: "defaultroute sets the route"},
	{options: "ktune", ineffective: func(s *Settings) bool { return s.KernelTune && !s.ProxyARP && !s.NoIP }, why: "it goes with proxyarp"},

	{roles: Client, options: "lcp-echo-failure lcp-echo-adaptive", ineffective: func(s *Settings) bool { return s.EchoInterval == 0 }, why: "lcp-echo-interval sends what is counted"},
	{roles: Client, options: "connect-delay", ineffective: func(s *Settings) bool { return s.Silent }, why: "silent waits for the peer, however long that takes"},
	{roles: Client, options: "chap-interval", ineffective: func(s *Settings) bool { return len(s.RequireAuth()) == 0 }, why: "auth or a require option has the peer authenticate"},
	{options: "require-chap require-mschap-v2 require-pap require-eap", ineffective: func(s *Settings) bool { return s.NoAuth && len(s.Require) == 0 },
		why: "noauth comes after it", overriddenBy: "noauth"},

	{roles: Client, options: "holdoff maxfail", ineffective: func(s *Settings) bool { return !s.Persist }, why: "without persist nothing is dialled again"},
	{roles: Client, options: "idle", ineffective: func(s *Settings) bool { return s.Idle > 0 && s.Persist && !s.Demand },
		why: "it ends the session, and persist dials again: demand waits for traffic", undone: true},
	{options: "mo-direction", ineffective: func(s *Settings) bool { return s.MaxBytes == 0 }, why: "maxoctets is what is counted for"},
	{roles: Client, options: "datapath", ineffective: func(s *Settings) bool {
		return s.Demand && s.DataPath != datapath.KindPlain && s.DataPath != datapath.KindAuto
	}, why: "the device of demand is moved the plain way"},
	{roles: Client, options: "datapath-queues", ineffective: func(s *Settings) bool { return s.Demand || s.DataPath == datapath.KindPlain }, why: "the plain way has one queue"},
	{roles: Client, options: "pppoe-service pppoe-ac pppoe-ac-also pppoe-mac host-uniq pppoe-padi-timeout pppoe-padi-attempts pppoe-circuit-id pppoe-remote-id",
		ineffective: func(s *Settings) bool { return s.Attach != "" && !s.Persist }, why: "pppoe-sess takes up a session without discovery"},
	{roles: Client, options: "mss", ineffective: func(s *Settings) bool { return s.MSS > 0 && s.MSS >= s.maxPacket()-40 }, why: "the MTU allows no more anyway"},

	{roles: Client, options: "password", ineffective: func(s *Settings) bool { return s.HasPassword && s.PasswordFile != "" }, why: "password-file goes before it"},
	{roles: Client, options: "password", ineffective: func(s *Settings) bool { return s.HasPassword && s.PasswordFile == "" && s.PasswordEnv != "" }, why: "password-env goes before it"},
	{roles: Client, options: "password-env", ineffective: func(s *Settings) bool { return s.PasswordFile != "" }, why: "password-file goes before it"},

	{roles: Server, options: "source-allow", ineffective: func(s *Settings) bool { return !s.Policy.CheckSource }, why: "source-check is what it makes an exception of"},
	{roles: Server, options: "rate-burst", ineffective: func(s *Settings) bool { return s.Policy.Up.Bits == 0 && s.Policy.Down.Bits == 0 }, why: "there is no rate-up or rate-down to exceed"},
}

func noIPv6(s *Settings) bool { return s.NoIPv6 }

func noIP(s *Settings) bool { return s.NoIP }

// maxPacket is the longest packet that a session may carry, in octets.
func (s *Settings) maxPacket() int {
	const usual = 1492 // RFC 2516 section 7
	if s.MTU > 0 {
		return s.MTU
	}
	return max(s.MRU, usual)
}

// IneffectiveOptions says of options that were given which of them do nothing, and why, each once.
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

// occurrences are those of the options named that were given.
func (s *Settings) occurrences(names string) (list []ParsedOption) {
	wanted := strings.Fields(names)
	for _, g := range s.Parsed {
		if o := byName[g.Name]; o != nil && slices.Contains(wanted, o.name) {
			list = append(list, g)
		}
	}
	return list
}

// inSameFile reports whether one of some options stands in the same file as another, or with it on the
// command line.
func (s *Settings) inSameFile(g ParsedOption, names string) bool {
	file := func(g ParsedOption) string { name, _, _ := strings.Cut(g.Where, ":"); return name }
	return slices.ContainsFunc(s.occurrences(names), func(o ParsedOption) bool { return file(o) == file(g) })
}

// tooManyLANs says which LANs find no network in the prefix that is asked for. A server may give
// a shorter one.
func (s *Settings) tooManyLANs() []string {
	const networkBits = 64
	if s.DHCPv6PrefixLength == 0 || networkBits-s.DHCPv6PrefixLength >= 16 {
		return nil
	}
	room := 1 << (networkBits - s.DHCPv6PrefixLength)
	if len(s.LANs) <= room {
		return nil
	}
	return []string{fmt.Sprintf("option \"dhcp6-lan %s\": a prefix of length %d has room for %d networks: ask for a shorter one, or this LAN and those after it may get none",
		s.LANs[room], s.DHCPv6PrefixLength, room)}
}
