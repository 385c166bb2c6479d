package pppoe

import (
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/tun"
)

// Addressing is what a session's network protocols have agreed on. A family that
// is not open has no valid addresses.
type Addressing struct {
	MTU  int // the longest packet either way, in octets
	IPv4 ipcp.Agreement
	IPv6 ipv6cp.Agreement
}

// HasIPv4 reports whether IPv4 is open.
func (a Addressing) HasIPv4() bool { return a.IPv4.Local.IsValid() }

// HasIPv6 reports whether IPv6 is open.
func (a Addressing) HasIPv6() bool { return a.IPv6.Local != ipv6cp.ID{} }

// A Host is the network of the machine around a session: its devices, addresses
// and routes. Methods may block, and may be called concurrently for different
// lines; for one line they come one after the other.
type HostNetwork interface {
	// Open makes the network device of a line.
	Open(SessionInfo) (tun.Device, error)
	// Configure makes the addresses and routes of the line's device those of
	// want, in place of those of have, which an earlier call has set.
	Configure(l SessionInfo, have, want Addressing) error
	// Close undoes what Configure has done beyond the device itself, which
	// is already closed. It is called once for each successful Open.
	Close(l SessionInfo, have Addressing)
}

// has reports whether a family is open.
func (a Addressing) has(p ppp.Protocol) bool {
	return p == ppp.IPv4 && a.HasIPv4() || p == ppp.IPv6 && a.HasIPv6()
}
