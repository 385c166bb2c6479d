// Package stages says what becomes of each kind of packet, in each stage of the data path: the plain
// and the GSO path with a device for each session, both with a shared device, and the kernel. Tests
// of the stages run their cases. It does not import them, so that tests inside of them can.
package stages

import (
	"net/netip"

	"upppoe/pppoe/wire"
)

// Outcome is what becomes of a packet.
type Outcome string

// The outcomes. All but Control, Elsewhere and Left are counted for the session.
const (
	Carried    Outcome = "carried to the other side"
	Fragmented Outcome = "carried in fragments"
	Local      Outcome = "given to the server, instead of to the device"
	Control    Outcome = "the frame goes to the control plane"
	Spoofed    Outcome = "dropped, counted as spoofed"
	Isolated   Outcome = "dropped, counted as isolated"
	Exceeded   Outcome = "dropped, counted as exceeding the rate"
	Dropped    Outcome = "dropped, counted"
	TooBig     Outcome = "dropped, counted, answered by an ICMP error"
	// Outcomes of packets from the host to a shared device that are not for the session.
	Elsewhere   Outcome = "carried to another session"
	Unreachable Outcome = "dropped, counted by the device, answered by an ICMP error"
	Unanswered  Outcome = "dropped, counted by the device"
	// Left is an outcome in the kernel only.
	Left Outcome = "left to user space"
)

// The session of the cases, which has both families open, and another one on the same port.
// Everything else is without a session.
var (
	Server = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	Peer   = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	Other  = wire.Addr{2, 0, 0x5e, 0, 0x53, 3} // peer of the other session

	// Prefixes are those of the session: with a device of its own, its source filter.
	Prefixes = parse("192.0.2.1/32", "198.51.100.0/24", "2001:db8:1::/64", "2001:db8:100::/56", "fe80::1/128")
	// OtherPrefixes are those of the other session. One lies within the session's.
	OtherPrefixes = parse("192.0.2.2/32", "198.51.100.7/32", "2001:db8:2::/64", "fe80::2/128")
)

const (
	SessionID      = 0x0102
	OtherSessionID = 0x0103
	// MTU is that of the session, on the shared device. On a device of its own the host keeps to it.
	MTU = 1400
)

func parse(all ...string) (prefixes []netip.Prefix) {
	for _, text := range all {
		prefixes = append(prefixes, netip.MustParsePrefix(text))
	}
	return prefixes
}

// Case is a packet and its outcomes. The shared device isolates sessions from each other. The kernel
// has the outcome of user space unless it leaves the packet.
type Case struct {
	What string
	// Frame is a frame that the server receives; Packet is one that the host sends to a device. Only
	// one of them is set. A shared device finds the session by the packet's destination.
	Frame, Packet []byte
	// Segment is the payload of a segment, in octets, if Packet is a GSO packet; 0: it is not.
	Segment int
	Closed  bool // IPv6 of the session is not open
	Empty   bool // the session's token buckets are empty

	Own, Shared Outcome // with a device of its own, and with the shared one
	// Left and LeftShared: the kernel leaves the packet to user space.
	Left, LeftShared bool
}

// Kernel returns the outcomes in the kernel.
func (c *Case) Kernel() (own, shared Outcome) {
	own, shared = c.Own, c.Shared
	if c.Left {
		own = Left
	}
	if c.LeftShared {
		shared = Left
	}
	return own, shared
}
