package pppd

import (
	"fmt"
	"slices"
	"strings"

	"upppoe/pppoe/datapath"
)

// idleOption is a rule by which options that were given do nothing beside the others.
type idleOption struct {
	roles   Role   // 0: both
	options string // their names, parted by spaces
	// idle reports whether they do nothing.
	idle func(s *Settings) bool
	why  string
	// by are the options that have taken the effect away because they come later; empty: the
	// order is not the reason. Where they stand elsewhere, as on the command line, that is what
	// was meant.
	by string
	// contrary says that the options do something, which is undone at once.
	contrary bool
}

const (
	limitsOfIPCP   = "ipcp-restart ipcp-max-configure ipcp-max-terminate ipcp-max-failure"
	limitsOfIPv6CP = "ipv6cp-restart ipv6cp-max-configure ipv6cp-max-terminate ipv6cp-max-failure"
	scriptsOfIPv6  = "ipv6-up-script ipv6-down-script"
	scriptsOfDHCP6 = "ipv6-prefix-up-script ipv6-prefix-down-script"
	optionsOfDHCP6 = "dhcp6-address dhcp6-prefix dhcp6-lan dhcp6-request"
)

// idleOptions are the pairs of options that do nothing together.
var idleOptions = []idleOption{
	{options: "ipv6 ipv6cp-accept-local " + limitsOfIPv6CP + " " + scriptsOfIPv6, idle: noIPv6, why: "noipv6 leaves IPv6 out"},
	{roles: Client, options: optionsOfDHCP6 + " dhcp6-lan-ra defaultroute6 defaultroute6-metric " + scriptsOfDHCP6 + " dhcp6-up-script dhcp6-down-script",
		idle: noIPv6, why: "noipv6 leaves IPv6 out"},
	{options: "ipcp-accept-local ipcp-accept-remote ms-dns ms-wins usepeerwins proxyarp ktune defaultroute-metric replacedefaultroute " +
		"ip-pre-up-script ip-up-script ip-down-script " + limitsOfIPCP, idle: noIP, why: "noip leaves IPv4 out"},
	{roles: Client, options: "defaultroute", idle: func(s *Settings) bool { return s.NoIP && (!s.BeyondLinkLocal() || s.NoDefaultRoute6) },
		why: "noip leaves IPv4 out, and IPv6 has no routers"},
	{roles: Client, options: "usepeerdns", idle: func(s *Settings) bool { return s.NoIP && !s.BeyondLinkLocal() },
		why: "noip leaves IPv4 out, and IPv6 asks for no name servers"},
	{options: "noip", idle: func(s *Settings) bool { return s.NoIP && s.NoIPv6 }, why: "with noipv6 the session carries no packets at all"},
	{roles: Client, options: "demand", idle: noIP, why: "it waits for packets of IPv4, which noip leaves out"},

	{roles: Client, options: optionsOfDHCP6, idle: func(s *Settings) bool { return s.NoDHCPv6 }, why: "nodhcp6 comes after it", by: "nodhcp6"},
	{roles: Client, options: "nodhcp6", idle: func(s *Settings) bool { return !s.NoDHCPv6 }, why: "an option after it asks for DHCPv6", by: optionsOfDHCP6},
	{roles: Client, options: "dhcp6-lan-ra", idle: func(s *Settings) bool { return len(s.LANs) == 0 }, why: "there is no dhcp6-lan to advertise on"},
	{roles: Client, options: scriptsOfDHCP6, idle: func(s *Settings) bool { return !s.DHCPv6Prefix }, why: "dhcp6-prefix asks for what it is run with"},
	{roles: Client, options: "dhcp6-up-script dhcp6-down-script", idle: func(s *Settings) bool { return !s.DHCPv6AFTR && !s.DHCPv6NTP && !s.DHCPv6S46 },
		why: "dhcp6-request asks for what it is run with"},

	{roles: Client, options: "resolv", idle: func(s *Settings) bool { return s.Resolv != "" && !s.UsePeerDNS }, why: "usepeerdns asks for name servers"},
	{roles: Client, options: "resolv", idle: func(s *Settings) bool { return s.Resolv != "" && s.UsePeerDNS && s.NoResolvConf }, why: "noresolvconf writes nothing"},
	{roles: Client, options: "resolv", idle: func(s *Settings) bool {
		return s.Namespace != "" && s.UsePeerDNS && !s.NoResolvConf && (s.Resolv == "resolved" || s.Resolv == "resolvconf")
	}, why: "these programs do not know a device in another network namespace (netns)"},
	{roles: Client, options: "noresolvconf", idle: func(s *Settings) bool { return !s.UsePeerDNS }, why: "without usepeerdns there is nothing to write"},
	{roles: Client, options: "replacedefaultroute defaultroute-metric", idle: func(s *Settings) bool { return !s.DefaultRoute && !s.NoIP }, why: "defaultroute sets the route"},
	{options: "ktune", idle: func(s *Settings) bool { return s.KernelTune && !s.ProxyARP && !s.NoIP }, why: "it goes with proxyarp"},

	{roles: Client, options: "lcp-echo-failure lcp-echo-adaptive", idle: func(s *Settings) bool { return s.EchoInterval == 0 }, why: "lcp-echo-interval sends what is counted"},
	{roles: Client, options: "connect-delay", idle: func(s *Settings) bool { return s.Silent }, why: "silent waits for the peer, however long that takes"},
	{roles: Client, options: "chap-interval", idle: func(s *Settings) bool { return len(s.Demanded()) == 0 }, why: "auth or a require option has the peer authenticate"},
	{options: "require-chap require-mschap-v2 require-pap require-eap", idle: func(s *Settings) bool { return s.NoAuth && len(s.Require) == 0 },
		why: "noauth comes after it", by: "noauth"},

	{roles: Client, options: "holdoff maxfail", idle: func(s *Settings) bool { return !s.Persist }, why: "without persist nothing is dialled again"},
	{roles: Client, options: "idle", idle: func(s *Settings) bool { return s.Idle > 0 && s.Persist && !s.Demand },
		why: "it ends the session, and persist dials again: demand waits for traffic", contrary: true},
	{options: "mo-direction", idle: func(s *Settings) bool { return s.MaxBytes == 0 }, why: "maxoctets is what is counted for"},
	{roles: Client, options: "datapath", idle: func(s *Settings) bool {
		return s.Demand && s.DataPath != datapath.KindPlain && s.DataPath != datapath.KindAuto
	}, why: "the device of demand is moved the plain way"},
	{roles: Client, options: "datapath-queues", idle: func(s *Settings) bool { return s.Demand || s.DataPath == datapath.KindPlain }, why: "the plain way has one queue"},
	{roles: Client, options: "pppoe-service pppoe-ac pppoe-ac-also pppoe-mac host-uniq pppoe-padi-timeout pppoe-padi-attempts pppoe-circuit-id pppoe-remote-id",
		idle: func(s *Settings) bool { return s.Attach != "" && !s.Persist }, why: "pppoe-sess takes up a session without discovery"},
	{roles: Client, options: "mss", idle: func(s *Settings) bool { return s.MSS > 0 && s.MSS >= s.longest()-40 }, why: "the MTU allows no more anyway"},

	{roles: Client, options: "password", idle: func(s *Settings) bool { return s.HasPassword && s.PasswordFile != "" }, why: "password-file goes before it"},
	{roles: Client, options: "password", idle: func(s *Settings) bool { return s.HasPassword && s.PasswordFile == "" && s.PasswordEnv != "" }, why: "password-env goes before it"},
	{roles: Client, options: "password-env", idle: func(s *Settings) bool { return s.PasswordFile != "" }, why: "password-file goes before it"},

	{roles: Server, options: "source-allow", idle: func(s *Settings) bool { return !s.Terms.CheckSource }, why: "source-check is what it makes an exception of"},
	{roles: Server, options: "rate-burst", idle: func(s *Settings) bool { return s.Terms.Up.Bits == 0 && s.Terms.Down.Bits == 0 }, why: "there is no rate-up or rate-down to exceed"},
}

func noIPv6(s *Settings) bool { return s.NoIPv6 }

func noIP(s *Settings) bool { return s.NoIP }

// longest is the longest packet that a session may carry, in octets.
func (s *Settings) longest() int {
	const usual = 1492 // RFC 2516 section 7
	if s.MTU > 0 {
		return s.MTU
	}
	return max(s.MRU, usual)
}

// WithoutEffect says of options that were given which of them do nothing, and why, each once.
func (s *Settings) WithoutEffect(r Role) (notices []string) {
	for _, rule := range idleOptions {
		if rule.roles != 0 && rule.roles&r == 0 || !rule.idle(s) {
			continue
		}
		for _, g := range s.given(rule.options) {
			if rule.by != "" && !s.beside(g, rule.by) {
				continue
			}
			if text := rule.notice(g); !slices.Contains(notices, text) {
				notices = append(notices, text)
			}
		}
	}
	return append(notices, s.tooManyLANs()...)
}

func (o *idleOption) notice(g Given) string {
	text := fmt.Sprintf("option %q has no effect: %s", g.Name, o.why)
	if o.contrary {
		text = fmt.Sprintf("option %q: %s", g.Name, o.why)
	}
	if g.Where != "" {
		text = g.Where + ": " + text
	}
	return text
}

// given are those of the options named that were given.
func (s *Settings) given(names string) (list []Given) {
	wanted := strings.Fields(names)
	for _, g := range s.Given {
		if o := byName[g.Name]; o != nil && slices.Contains(wanted, o.name) {
			list = append(list, g)
		}
	}
	return list
}

// beside reports whether one of some options stands in the same file as another, or with it on the
// command line.
func (s *Settings) beside(g Given, names string) bool {
	file := func(g Given) string { name, _, _ := strings.Cut(g.Where, ":"); return name }
	return slices.ContainsFunc(s.given(names), func(o Given) bool { return file(o) == file(g) })
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
