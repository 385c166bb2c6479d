package netif

import (
	"net/netip"

	"upppoe/internal/ipv6/lifetime"
)

// Config is the addresses, routes and rules of a session.
type Config struct {
	Addresses map[AddressKey]Address
	Routes    map[RouteKey]Route
	Rules     map[Rule]bool // a set: the values are unused
}

// AddressKey is an address of an interface, with the prefix length of its subnet. It makes no
// route: the kernel would not remove that with the address.
type AddressKey struct {
	Interface string
	Prefix    netip.Prefix
}

// Address has the properties of an address that may change.
type Address struct {
	lifetime.Lifetime
	// Shared enables duplicate address detection, as there are other hosts on the link.
	Shared bool
}

// RouteKey is a route's destination and table (0: the main table).
type RouteKey struct {
	To     netip.Prefix
	Metric int // 0: 1024, as in ip(8)
	Table  int
	// Device is the outgoing interface; empty: an unreachable route.
	Device string
}

// Route has the properties of a route that may change.
type Route struct {
	Gateway netip.Addr // none: on link
	MTU     int        // in octets; 0: the device's
}

// Rule looks up a table for packets from an address or prefix, unless the main table has a more
// specific route than the default route.
type Rule struct {
	From  netip.Prefix
	Table int
}

// NewConfig makes an empty configuration.
func NewConfig() Config {
	return Config{map[AddressKey]Address{}, map[RouteKey]Route{}, map[Rule]bool{}}
}
