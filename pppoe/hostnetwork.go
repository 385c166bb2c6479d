package pppoe

import (
	"net/netip"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/tun"
)

// Addressing is what a session's network protocols have agreed on. A family that is not open has no
// valid addresses.
type Addressing struct {
	MTU  int // the longest packet in either direction, in octets
	IPv4 ipcp.Agreement
	IPv6 ipv6cp.Agreement
	// VRF is SessionPolicy.VRF of a server's session. It changes only while neither family is open.
	VRF string
}

// HasIPv4 reports whether IPv4 is open.
func (a Addressing) HasIPv4() bool { return a.IPv4.Local.IsValid() }

// HasIPv6 reports whether IPv6 is open.
func (a Addressing) HasIPv6() bool { return a.IPv6.Local != ipv6cp.ID{} }

// HostNetwork is the part of this machine's network that belongs to sessions: their devices,
// addresses and routes. Methods may block, and may be called concurrently for different sessions;
// for one session they are called one after the other.
type HostNetwork interface {
	// Open opens the network device of a session. SessionInfo.Device is the name of the one that an
	// adopted session had, and should have again, perhaps because it still exists; else it is empty.
	Open(SessionInfo) (tun.Device, error)
	// Configure changes the addresses and routes of the session's device from have, set by an
	// earlier call, to want.
	Configure(s SessionInfo, have, want Addressing) error
	// Close undoes what did not disappear with the device, which is already closed. It is called
	// once for each successful Open.
	Close(s SessionInfo, have Addressing)
}

// DevicePreparer is a HostNetwork that does part of Configure beforehand, which takes less time if
// many sessions begin at once.
type DevicePreparer interface {
	// Prepare prepares the session's device for the MTU and the VRF of what Configure will want. It is
	// called after Open, and at most once. What fails is left to Configure.
	Prepare(s SessionInfo, want Addressing)
}

// DeviceRetirer is a HostNetwork whose devices are removed in less time if it knows beforehand that
// many are to be removed.
type DeviceRetirer interface {
	// Retire is called once before the session's device is closed. No packets pass it any more.
	Retire(SessionInfo)
}

// FramedRouter is a HostNetwork that routes prefixes behind the peers (SessionPolicy.FramedRoutes).
type FramedRouter interface {
	// SetFramedRoutes changes the prefixes that are routed to the session's device. They do not
	// outlast the device. It is called like Configure, and after it.
	SetFramedRoutes(s SessionInfo, have, want []netip.Prefix) error
}

// has reports whether a family is open.
func (a Addressing) has(p ppp.Protocol) bool {
	return p == ppp.IPv4 && a.HasIPv4() || p == ppp.IPv6 && a.HasIPv6()
}
