package pppd

import (
	"errors"
	"net/netip"
	"slices"

	"upppoe/ppp"
)

// networkOptions are the options of IPCP, IPv6CP and the addresses that follow.
var networkOptions = slices.Concat([]option{
	{name: "ipcp-accept-local", help: "accept another local address from the peer",
		kind: flag(func(s *Settings) { s.AcceptLocal = true })},
	{name: "ipcp-accept-remote", help: "accept another address of the peer",
		kind: flag(func(s *Settings) { s.AcceptRemote = true })},
	{name: "noipdefault", help: "do not use the host's own address (always so)",
		kind: flag(func(*Settings) {})},
	{name: "ms-dns", help: "name server for the peer; up to two",
		kind: servers(func(s *Settings) *[]netip.Addr { return &s.DNS })},
	{name: "ms-wins", help: "WINS server for the peer; up to two",
		kind: servers(func(s *Settings) *[]netip.Addr { return &s.WINS })},
	{name: "usepeerdns", roles: Client, help: "request name servers from the peer, and write /etc/ppp/resolv.conf",
		kind: flag(func(s *Settings) { s.UsePeerDNS = true })},
	{name: "usepeerwins", roles: Client, help: "request WINS servers from the peer",
		kind: flag(func(s *Settings) { s.UsePeerWINS = true })},
	{name: "noip", also: "-ip", help: "no IPv4",
		kind: flag(func(s *Settings) { s.NoIP = true })},
}, limits("ipcp", func(s *Settings) *ppp.NegotiationLimits { return &s.IPCP }), []option{
	{name: "+ipv6", help: "IPv6 (default)",
		kind: flag(func(s *Settings) { s.NoIPv6 = false })},
	{name: "noipv6", also: "-ipv6", help: "no IPv6",
		kind: flag(func(s *Settings) { s.NoIPv6 = true })},
	{name: "noipv6autoconf", roles: Client, help: "no IPv6 address from router advertisements, and by DHCPv6 only what dhcp6-address, dhcp6-prefix, dhcp6-lan and dhcp6-request request",
		kind: flag(func(s *Settings) { s.NoAutoconf = true })},
	{name: "dhcp6-address", roles: Client, help: "request an address by DHCPv6 (default: if router advertisements say so)",
		kind: flag(func(s *Settings) { s.NoDHCPv6, s.DHCPv6Address = false, true })},
	{name: "dhcp6-prefix", roles: Client, help: "request a delegated prefix of this length by DHCPv6; 0: any",
		kind: number("LENGTH", 0, 64, func(s *Settings, n int) { s.NoDHCPv6, s.DHCPv6Prefix, s.DHCPv6PrefixLength = false, true, n })},
	{name: "dhcp6-lan", roles: Client, help: "assign a /64 of the delegated prefix to this interface; may be repeated",
		kind: text("INTERFACE", lan)},
	{name: "dhcp6-lan-ra", roles: Client, help: "send router advertisements for the networks of dhcp6-lan, with the name servers",
		kind: flag(func(s *Settings) { s.AdvertiseLANs = true })},
	{name: "dhcp6-request", roles: Client, help: "request a service by DHCPv6 too, for scripts and events: aftr (Dual-Stack Lite), ntp or s46 (MAP-E, MAP-T, LW4o6, 4rd); may be repeated",
		kind: kind{"SERVICE", dhcpv6Service}},
	{name: "nodhcp6", roles: Client, help: "no DHCPv6, even if router advertisements say so",
		kind: flag(noDHCPv6)},
	{name: "ipv6", help: "local and remote interface identifier, like ::1,::2; either may be omitted",
		kind: kind{"LOCAL,REMOTE", identifiers}},
	{name: "ipv6cp-accept-local", help: "accept another local identifier from the peer",
		kind: flag(func(s *Settings) { s.AcceptLocalID = true })},
}, limits("ipv6cp", func(s *Settings) *ppp.NegotiationLimits { return &s.IPv6CP }), []option{
	{name: "ipv6cp-noremote", help: "accept a peer without an interface identifier",
		kind: flag(func(s *Settings) { s.NoRemoteID = true })},
	{name: "ipv6cp-nosend", help: "do not send our interface identifier",
		kind: flag(func(s *Settings) { s.NoSendID = true })},
	{name: "ipv6cp-use-remotenumber", help: "derive the peer's interface identifier from its Ethernet address, or from the address in remotenumber",
		kind: flag(func(s *Settings) { s.UseRemoteNumber = true })},
	{name: "ipv6cp-accept-remote", status: ignored, help: "the peer's own identifier is always accepted"},
	{name: "ipv6cp-use-ipaddr", also: "ipv6cp-use-persistent", status: warned, help: "identifiers are random, or those of option ipv6"},
	{name: "noremoteip", roles: Client, help: "use no remote address if the peer sends none (default: 10.64.64.64 plus the unit number)",
		kind: flag(func(s *Settings) { s.NoRemoteIP = true })},
	{name: "nosendip", status: warned, help: "our address is always sent"},
	{name: "ipcp-no-address", status: warned, help: "addresses are always negotiated"},
	{name: "ipcp-no-addresses", status: ignored, help: "IPCP's deprecated IP-Addresses option is never used"},
	{name: "noresolvconf", roles: Client, help: "with usepeerdns, write no file: only scripts get the name servers",
		kind: flag(func(s *Settings) { s.NoResolvConf = true })},
	{name: "resolv", roles: Client, help: "with usepeerdns, configure the system's resolver too: auto, resolved, resolvconf, file (/etc/resolv.conf) or none (default none)",
		kind: kind{"METHOD", resolv}},
	{name: "proxyarp", help: "answer ARP requests for the peer's address on the network that contains it",
		kind: flag(func(s *Settings) { s.ProxyARP = true })},
	{name: "noproxyarp", also: "-proxyarp", help: "do not answer ARP requests (default)",
		kind: flag(func(s *Settings) { s.ProxyARP = false })},
	{name: "ktune", help: "enable IP forwarding in the kernel, permanently",
		kind: flag(func(s *Settings) { s.KernelTune = true })},
	{name: "noktune", help: "leave IP forwarding unchanged (default)",
		kind: flag(func(s *Settings) { s.KernelTune = false })},
	{name: "netmask", status: ignored, help: "a point-to-point link has no netmask", kind: ignoredValue("MASK")},
	{name: "pass-filter", status: warned, help: "packets are not filtered", kind: ignoredValue("FILTER")},
	{name: "active-filter", status: warned, help: "every packet counts as activity", kind: ignoredValue("FILTER")},
})

// dhcpv6Service parses a service to request.
func dhcpv6Service(s *Settings, what string) error {
	wanted := map[string]*bool{"aftr": &s.DHCPv6AFTR, "ntp": &s.DHCPv6NTP, "s46": &s.DHCPv6S46}[what]
	if wanted == nil {
		return errors.New("give aftr, ntp or s46")
	}
	s.NoDHCPv6, *wanted = false, true
	return nil
}

func noDHCPv6(s *Settings) {
	s.NoDHCPv6, s.LANs = true, nil
	s.DHCPv6Address, s.DHCPv6Prefix, s.DHCPv6AFTR, s.DHCPv6NTP, s.DHCPv6S46 = false, false, false, false, false
}

// RequestsDHCPv6 reports whether something is requested by DHCPv6 whatever router advertisements say.
func (s *Settings) RequestsDHCPv6() bool {
	return s.DHCPv6Address || s.DHCPv6Prefix || s.DHCPv6AFTR || s.DHCPv6NTP || s.DHCPv6S46
}

// GlobalIPv6 reports whether IPv6 has more than link-local addresses.
func (s *Settings) GlobalIPv6() bool {
	return !s.NoIPv6 && (!s.NoAutoconf || s.RequestsDHCPv6())
}

// lan adds an interface that gets a /64 of the delegated prefix, and requests that prefix. An interface
// gets one, however often it is given.
func lan(s *Settings, name string) {
	s.NoDHCPv6, s.DHCPv6Prefix = false, true
	if !slices.Contains(s.LANs, name) {
		s.LANs = append(s.LANs, name)
	}
}
