package pppd

import (
	"errors"
	"net/netip"
	"slices"

	"upppoe/ppp"
)

// networkOptions are IPCP's and IPv6CP's.
var networkOptions = slices.Concat([]option{
	{name: "ipcp-accept-local", help: "take another local address if the peer wants it",
		kind: flag(func(s *Settings) { s.AcceptLocal = true })},
	{name: "ipcp-accept-remote", help: "let the peer have another address",
		kind: flag(func(s *Settings) { s.AcceptRemote = true })},
	{name: "noipdefault", help: "do not use the host's own address (never done here)",
		kind: flag(func(*Settings) {})},
	{name: "ms-dns", help: "name server given to the peer; up to two",
		kind: servers(func(s *Settings) *[]netip.Addr { return &s.DNS })},
	{name: "ms-wins", help: "WINS server given to the peer; up to two",
		kind: servers(func(s *Settings) *[]netip.Addr { return &s.WINS })},
	{name: "usepeerdns", roles: Client, help: "ask the peer for name servers, and write /etc/ppp/resolv.conf",
		kind: flag(func(s *Settings) { s.UsePeerDNS = true })},
	{name: "usepeerwins", roles: Client, help: "ask the peer for WINS servers",
		kind: flag(func(s *Settings) { s.UsePeerWINS = true })},
	{name: "noip", also: "-ip", help: "no IPv4",
		kind: flag(func(s *Settings) { s.NoIP = true })},
}, limits("ipcp", func(s *Settings) *ppp.Limits { return &s.IPCP }), []option{
	{name: "+ipv6", help: "IPv6 (default)",
		kind: flag(func(s *Settings) { s.NoIPv6 = false })},
	{name: "noipv6", also: "-ipv6", help: "no IPv6",
		kind: flag(func(s *Settings) { s.NoIPv6 = true })},
	{name: "noipv6autoconf", roles: Client, help: "no IPv6 address from router advertisements, and nothing by DHCPv6 but what dhcp6-address, dhcp6-prefix, dhcp6-lan and dhcp6-request ask for",
		kind: flag(func(s *Settings) { s.NoAutoconf = true })},
	{name: "dhcp6-address", roles: Client, help: "ask for an address by DHCPv6 (default: if a router says so)",
		kind: flag(func(s *Settings) { s.NoDHCPv6, s.DHCPv6Address = false, true })},
	{name: "dhcp6-prefix", roles: Client, help: "ask for a delegated prefix of this length by DHCPv6; 0: any",
		kind: number("LENGTH", 0, 64, func(s *Settings, n int) { s.NoDHCPv6, s.DHCPv6Prefix, s.DHCPv6PrefixLength = false, true, n })},
	{name: "dhcp6-lan", roles: Client, help: "give this interface a network of the delegated prefix; as often as you like",
		kind: text("INTERFACE", lan)},
	{name: "dhcp6-lan-ra", roles: Client, help: "advertise these networks and the name servers to the hosts there",
		kind: flag(func(s *Settings) { s.AdvertiseLANs = true })},
	{name: "dhcp6-request", roles: Client, help: "ask for a service by DHCPv6 too, for scripts and events: aftr (Dual-Stack Lite), ntp or s46 (MAP-E, MAP-T, LW4o6, 4rd); as often as you like",
		kind: kind{"WHAT", dhcpv6Service}},
	{name: "nodhcp6", roles: Client, help: "no DHCPv6, whatever routers say",
		kind: flag(noDHCPv6)},
	{name: "ipv6", help: "interface identifiers, like ::1,::2; either may be left out",
		kind: kind{"LOCAL,REMOTE", identifiers}},
	{name: "ipv6cp-accept-local", help: "take another local identifier if the peer wants it",
		kind: flag(func(s *Settings) { s.AcceptLocalID = true })},
}, limits("ipv6cp", func(s *Settings) *ppp.Limits { return &s.IPv6CP }), []option{
	{name: "ipv6cp-noremote", help: "the peer may be without an interface identifier",
		kind: flag(func(s *Settings) { s.NoRemoteID = true })},
	{name: "ipv6cp-nosend", help: "do not tell our interface identifier",
		kind: flag(func(s *Settings) { s.NoSendID = true })},
	{name: "ipv6cp-use-remotenumber", help: "the peer's interface identifier is that of its Ethernet address, or of the address in remotenumber",
		kind: flag(func(s *Settings) { s.UseRemoteNumber = true })},
	{name: "ipv6cp-accept-remote", status: ignored, help: "the peer always may have its own identifier"},
	{name: "ipv6cp-use-ipaddr", also: "ipv6cp-use-persistent", status: warned, help: "identifiers are random, or what ipv6 says"},
	{name: "noremoteip", roles: Client, help: "a peer that tells no address gets none (default: 10.64.64.64, and the unit's number more)",
		kind: flag(func(s *Settings) { s.NoRemoteIP = true })},
	{name: "nosendip", status: warned, help: "our address is told"},
	{name: "ipcp-no-address", status: warned, help: "addresses are negotiated"},
	{name: "ipcp-no-addresses", status: ignored, help: "IPCP's old option 1 is never used"},
	{name: "noresolvconf", roles: Client, help: "with usepeerdns, write no file: scripts are told the name servers",
		kind: flag(func(s *Settings) { s.NoResolvConf = true })},
	{name: "resolv", roles: Client, help: "with usepeerdns, tell the system too: auto, resolved, resolvconf, file (/etc/resolv.conf) or none (default none)",
		kind: kind{"WAY", resolv}},
	{name: "proxyarp", help: "answer ARP for the peer's address on the network that it is of",
		kind: flag(func(s *Settings) { s.ProxyARP = true })},
	{name: "noproxyarp", also: "-proxyarp", help: "do not (default)",
		kind: flag(func(s *Settings) { s.ProxyARP = false })},
	{name: "ktune", help: "have the kernel forward packets, for good",
		kind: flag(func(s *Settings) { s.KernelTune = true })},
	{name: "noktune", help: "leave it as it is (default)",
		kind: flag(func(s *Settings) { s.KernelTune = false })},
	{name: "netmask", status: ignored, help: "a line between two has none", kind: ignoredValue("MASK")},
	{name: "pass-filter", status: warned, help: "packets are not filtered", kind: ignoredValue("FILTER")},
	{name: "active-filter", status: warned, help: "every packet counts as activity", kind: ignoredValue("FILTER")},
})

// dhcpv6Service is a service to ask for.
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

// RequestsDHCPv6 reports whether something is asked for by DHCPv6, whatever routers say.
func (s *Settings) RequestsDHCPv6() bool {
	return s.DHCPv6Address || s.DHCPv6Prefix || s.DHCPv6AFTR || s.DHCPv6NTP || s.DHCPv6S46
}

// GlobalIPv6 reports whether IPv6 is to have more than link-local addresses.
func (s *Settings) GlobalIPv6() bool {
	return !s.NoIPv6 && (!s.NoAutoconf || s.RequestsDHCPv6())
}

// lan is one that is to have a network of the delegated prefix, which is asked for then.
// It has but one, however often it is named.
func lan(s *Settings, name string) {
	s.NoDHCPv6, s.DHCPv6Prefix = false, true
	if !slices.Contains(s.LANs, name) {
		s.LANs = append(s.LANs, name)
	}
}
