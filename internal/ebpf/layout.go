package ebpf

import (
	"encoding/binary"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Layout of the maps' keys and values. Numbers are in native byte order, unless marked as in
// network byte order.

// number returns a key or a value of 4 octets. The library converts an integer by reflection.
func number(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// receiveKey identifies the session of a received frame: the peer's address, 6 octets; the session
// ID, 2, in network byte order; then for each of two tags the EtherType, 2, in network byte order,
// and the VLAN identifier, 2.
const receiveKeyLen = 16

func receiveKey(peer wire.Addr, id uint16, tags vlan.Stack) (k [receiveKeyLen]byte) {
	copy(k[:], peer[:])
	binary.BigEndian.PutUint16(k[6:], id)
	for i, t := range tags.Tags() {
		binary.BigEndian.PutUint16(k[8+4*i:], t.TPID)
		binary.NativeEndian.PutUint16(k[10+4*i:], t.VID)
	}
	return k
}

// A session has a slot, which is the key of its value, counters and rates. Offsets in its value:
const (
	sessionSlot      = 0  // 4
	sessionDevice    = 4  // 4: the index of its TUN
	sessionInterface = 8  // 4: the slot of its Ethernet interface
	sessionMTU       = 12 // 2: maximum length of a packet to send
	sessionFlags     = 14 // 2
	sessionLocal     = 16 // 6: the required destination address
	sessionHeaderLen = 22 // 2: length of the header
	sessionChange    = 24 // 4: number of the last change of what sources are allowed
	sessionHeader    = 32 // 32: the header, right-aligned
	sessionLen       = 64 // its last 4 octets, LENGTH and Protocol, are written by the program
)

const headerRoom = sessionLen - sessionHeader

// Flags of a session: open families, and more.
const (
	openIPv4 = 1 << iota
	openIPv6
	// segmentUDP: UDP GSO packets (UDP_SEGMENT) are segmented in the kernel. If the TUN does not
	// complete checksums, the kernel loses the checksum offset of such a packet when room is added
	// at its head, and then drops it.
	segmentUDP
	// unambiguous: XDP may strip frames, although it cannot see all tags: the interface has no other
	// session with this ID and peer, in another VLAN.
	unambiguous
	// checkSource: received packets must be from a prefix of the session.
	checkSource
	// sharedDevice: the TUN has many sessions.
	sharedDevice
	// isolate: received packets must not be for another session of the TUN.
	isolate
	// rateLimited: the session has a token bucket, for one direction at least.
	rateLimited
)

func families(ipv4, ipv6 bool) (open uint16) {
	if ipv4 {
		open |= openIPv4
	}
	if ipv6 {
		open |= openIPv6
	}
	return open
}

// sessionCounters counts packets and octets of one session on one CPU. Dropped is without the
// packets of the counters after it. It also keeps the last allowed source of each family, which the
// CPU need not look up again until the number of the session's last change is another.
type sessionCounters struct {
	SentPackets, SentBytes, ReceivedPackets, ReceivedBytes uint64
	Dropped, Spoofed, Exceeded, Isolated                   uint64

	Change4 uint32
	Source4 [4]byte
	Change6 uint32
	_       uint32
	Source6 [16]byte
}

// Offsets in sessionCounters.
const (
	countersSent     = 0
	countersReceived = 16
	countersDropped  = 32
	countersSpoofed  = 40
	countersExceeded = 48
	countersIsolated = 56
	countersChange4  = 64
	countersSource4  = 68
	countersChange6  = 72
	countersSource6  = 80
	countersLen      = 96
)

// value returns the session's value, which is valid until the next one is made.
func (s *session) value() []byte {
	b := s.engine().value[:]
	clear(b)
	binary.NativeEndian.PutUint32(b[sessionSlot:], s.slot)
	binary.NativeEndian.PutUint32(b[sessionDevice:], uint32(s.device.index))
	binary.NativeEndian.PutUint32(b[sessionInterface:], s.at.slot)
	binary.NativeEndian.PutUint16(b[sessionMTU:], s.currentMTU())
	binary.NativeEndian.PutUint16(b[sessionFlags:], s.currentFlags())
	copy(b[sessionLocal:], s.Local[:])
	binary.NativeEndian.PutUint32(b[sessionChange:], s.change)
	var room [headerRoom]byte
	h := appendHeader(room[:0], &s.Key, s.priority)
	binary.NativeEndian.PutUint16(b[sessionHeaderLen:], uint16(len(h)))
	copy(b[sessionLen-len(h):], h)
	return b
}

// mapFDs are the file descriptors of the programs' maps.
type mapFDs struct {
	received    int // keys of received frames, of one Ethernet interface: slots
	devices     int // indexes of sessions' own TUNs: slots
	prefixes4   int // prefixes of sessions: slots
	prefixes6   int
	control     int // what all programs look at
	recent      int // destinations that a processor has looked up: slots
	sessions    int // slots: sessions
	counters    int
	rates       int
	interfaces  int // slots of Ethernet interfaces
	gsoPackets  int // the number of GSO packets of each interface that only the segmentation pair can send
	longPackets int // the number of TCP packets of each interface that the coalescing pair can receive
}

// appendHeader appends the header of each packet of a session, with LENGTH and Protocol 0.
func appendHeader(b []byte, k *datapath.Key, priority uint8) []byte {
	b = append(b, k.Peer[:]...)
	b = append(b, k.Local[:]...)
	b = k.VLAN.Append(b, priority)
	b = binary.BigEndian.AppendUint16(b, wire.EtherTypeSession)
	b = append(b, 0x11, 0)
	b = binary.BigEndian.AppendUint16(b, k.SessionID)
	return append(b, 0, 0, 0, 0)
}
