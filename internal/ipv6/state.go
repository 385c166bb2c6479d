package ipv6

import (
	"net/netip"
	"slices"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
)

// State is the configuration of a session. The receiver owns it.
type State struct {
	Addresses []Address
	// Delegated are the delegated prefixes.
	Delegated []Prefix
	// LANs are the addresses of LAN interfaces within the delegated prefixes.
	LANs []LANAddress
	// DefaultRoute is the default route.
	DefaultRoute Route
	// Routers are the addresses of default routers, best first.
	Routers []netip.Addr
	// MTU is the advertised MTU of the link, in octets; 0: none.
	MTU int
	// NameServers are the name servers of DHCPv6, then those of router advertisements. A link-local
	// address has a zone.
	NameServers []netip.Addr
	// SearchDomains are the DNS search domains, in the same order.
	SearchDomains []string
	// Services are the requested options that a server has sent.
	Services dhcp6.Services
	// Managed and Other are the M and O flags of router advertisements (RFC 4861 section 4.2).
	Managed, Other bool
	// DHCP is the state of the DHCPv6 client, in a word; empty: there is no client.
	DHCP string
}

// Address is an address of the session's interface.
type Address struct {
	Prefix netip.Prefix // the address, and the prefix length of its subnet
	Origin Origin
	lifetime.Lifetime
}

// Origin is how an address was obtained.
type Origin string

// Origins of addresses.
const (
	SLAAC  Origin = "slaac"
	DHCPv6 Origin = "dhcpv6"
)

// Prefix is a delegated prefix.
type Prefix struct {
	Prefix netip.Prefix
	lifetime.Lifetime
}

// LANAddress is our address on a LAN.
type LANAddress struct {
	Interface string
	Prefix    netip.Prefix // the address, and the prefix length of its subnet
	lifetime.Lifetime
}

// Route is the default route.
type Route struct {
	Set     bool
	Gateway netip.Addr // invalid: into the device
}

// sameButLifetimes reports whether two states differ only in what is not reported: lifetimes and
// the DHCPv6 client's own state.
func (s State) sameButLifetimes(o State) bool {
	return slices.EqualFunc(s.Addresses, o.Addresses, func(a, b Address) bool { return a.Prefix == b.Prefix && a.Origin == b.Origin }) &&
		slices.EqualFunc(s.Delegated, o.Delegated, func(a, b Prefix) bool { return a.Prefix == b.Prefix }) &&
		slices.EqualFunc(s.LANs, o.LANs, func(a, b LANAddress) bool { return a.Interface == b.Interface && a.Prefix == b.Prefix }) &&
		s.DefaultRoute == o.DefaultRoute && slices.Equal(s.Routers, o.Routers) && s.MTU == o.MTU &&
		slices.Equal(s.NameServers, o.NameServers) && slices.Equal(s.SearchDomains, o.SearchDomains) && s.Services.Equal(&o.Services) &&
		s.Managed == o.Managed && s.Other == o.Other
}
