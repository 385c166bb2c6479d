package pppd

import (
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
		kind: flag(func(s *Settings) { s.NoIPDefault = true })},
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
	{name: "ipv6", help: "interface identifiers, like ::1,::2; either may be left out",
		kind: kind{"LOCAL,REMOTE", identifiers}},
	{name: "ipv6cp-accept-local", help: "take another local identifier if the peer wants it",
		kind: flag(func(s *Settings) { s.AcceptLocalID = true })},
}, limits("ipv6cp", func(s *Settings) *ppp.Limits { return &s.IPv6CP }), []option{
	{name: "ipv6cp-accept-remote", status: ignored, help: "the peer always may have its own identifier"},
	{name: "ipv6cp-use-ipaddr", also: "ipv6cp-use-persistent", status: noticed, help: "identifiers are random, or what ipv6 says"},
	{name: "noremoteip", status: noticed, help: "the peer needs an address"},
	{name: "nosendip", status: noticed, help: "our address is told"},
	{name: "ipcp-no-address", status: noticed, help: "addresses are negotiated"},
	{name: "ipcp-no-addresses", status: ignored, help: "IPCP's old option 1 is never used"},
	{name: "noresolvconf", roles: Client, status: noticed, help: "usepeerdns writes /etc/ppp/resolv.conf"},
	{name: "proxyarp", status: noticed, help: "no ARP entry is made"},
	{name: "noproxyarp", also: "-proxyarp", status: ignored, help: "no ARP entry is made"},
	{name: "ktune", status: noticed, help: "switch forwarding on with sysctl"},
	{name: "noktune", status: ignored, help: "the kernel is left as it is"},
	{name: "netmask", status: ignored, help: "a line between two has none", kind: unused("MASK")},
	{name: "pass-filter", status: noticed, help: "packets are not filtered", kind: unused("FILTER")},
	{name: "active-filter", status: noticed, help: "sessions do not end for idleness", kind: unused("FILTER")},
})
