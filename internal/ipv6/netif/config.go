package netif

import (
	"net/netip"

	"upppoe/internal/ipv6/lifetime"
)

// Config is the addresses, routes and rules that a line wants.
type Config struct {
	Addresses map[AddressKey]Address
	Routes    map[RouteKey]Route
	Rules     map[Rule]bool // the value says nothing
}

// AddressKey is an address of an interface, with the length of its network's prefix.
// That makes no route: the kernel would not remove it with the address.
type AddressKey struct {
	Interface string
	Prefix    netip.Prefix
}

// Address is what may change of an address.
type Address struct {
	lifetime.Lifetime
	// Shared says that there are others on the link: the kernel looks whether one of
	// them has the same address.
	Shared bool
}

// RouteKey is where a route leads to, and in which table it is (0: the main one).
type RouteKey struct {
	To     netip.Prefix
	Metric int // 0: 1024, as ip(8) has it
	Table  int
	// Device is what packets go through; empty: they are refused as unreachable.
	Device string
}

// Route is what may change of a route.
type Route struct {
	Gateway netip.Addr // none: whoever is on the link
	MTU     int        // in octets; 0: the device's
}

// Rule has packets from an address or prefix look for their route in a table, unless the
// main one leads to where they go by more than a default route.
type Rule struct {
	From  netip.Prefix
	Table int
}

// NewConfig makes an empty set.
func NewConfig() Config {
	return Config{map[AddressKey]Address{}, map[RouteKey]Route{}, map[Rule]bool{}}
}
