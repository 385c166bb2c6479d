package ipv6

import (
	"net/netip"
	"slices"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
)

// State is what a line has. It is the receiver's.
type State struct {
	Addresses []Address
	// Delegated are the prefixes that are ours to share out.
	Delegated []Prefix
	// LANs are the addresses that LAN interfaces have of them.
	LANs []LANAddress
	// DefaultRoute says where the default route goes.
	DefaultRoute Route
	// Routers are the addresses of those that advertise themselves, best first.
	Routers []netip.Addr
	// MTU is what a router says of the link, in octets; 0: nothing.
	MTU int
	// NameServers are name servers: those of DHCPv6, then those that routers tell. One
	// on the link has a zone.
	NameServers []netip.Addr
	// SearchDomains are those to search for names, in the same order.
	SearchDomains []string
	// Services are those that were asked for and told.
	Services dhcp6.Services
	// Managed and Other are the routers' flags for DHCPv6.
	Managed, Other bool
	// DHCP is what the DHCPv6 client does, in a word; empty: there is none.
	DHCP string
}

// Address is one of ours on the line.
type Address struct {
	Prefix netip.Prefix // the address, and the length of its network's prefix
	Origin Origin
	lifetime.Lifetime
}

// Origin is where an address comes from.
type Origin string

// Where addresses come from.
const (
	SLAAC  Origin = "slaac"
	DHCPv6 Origin = "dhcpv6"
)

// Prefix is a delegated one.
type Prefix struct {
	Prefix netip.Prefix
	lifetime.Lifetime
}

// LANAddress is one of ours on a LAN.
type LANAddress struct {
	Interface string
	Prefix    netip.Prefix // the address, and the length of its network's prefix
	lifetime.Lifetime
}

// Route is where the default route goes.
type Route struct {
	Set     bool
	Gateway netip.Addr // invalid: just into the device
}

// sameButLifetimes reports whether there is nothing new to tell: what the DHCPv6 client does
// is no news, what it gets is.
func (s State) sameButLifetimes(o State) bool {
	return slices.EqualFunc(s.Addresses, o.Addresses, func(a, b Address) bool { return a.Prefix == b.Prefix && a.Origin == b.Origin }) &&
		slices.EqualFunc(s.Delegated, o.Delegated, func(a, b Prefix) bool { return a.Prefix == b.Prefix }) &&
		slices.EqualFunc(s.LANs, o.LANs, func(a, b LANAddress) bool { return a.Interface == b.Interface && a.Prefix == b.Prefix }) &&
		s.DefaultRoute == o.DefaultRoute && slices.Equal(s.Routers, o.Routers) && s.MTU == o.MTU &&
		slices.Equal(s.NameServers, o.NameServers) && slices.Equal(s.SearchDomains, o.SearchDomains) && s.Services.Equal(&o.Services) &&
		s.Managed == o.Managed && s.Other == o.Other
}
