package ebpf

import (
	"encoding/binary"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// Layout of the maps' keys and values. Numbers are in native byte order, unless marked as in
// network byte order.

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

// Offsets in the value of a session for received frames.
const (
	receiveDevice = 0  // 4: the index of its TUN
	receiveSlot   = 4  // 4: of its counters
	receiveLocal  = 8  // 6: the required destination address
	receiveOpen   = 14 // 2: open families and flags
	receiveSource = 16 // 4: the required IPv4 source, in network byte order; see singleSource
	receiveLen    = 20
)

// Flags of a session: open families, and more.
const (
	openIPv4 = 1 << iota
	openIPv6
	// segmentUDP: UDP GSO packets (UDP_SEGMENT) are segmented in the kernel. If the TUN does not
	// complete checksums, the kernel loses the checksum offset of such a packet when room is added
	// at its head, and then drops it.
	segmentUDP
	// unambiguous: XDP may strip frames, although it cannot see all tags: the engine has no other
	// session with this ID and peer, in another VLAN.
	unambiguous
	// singleSource: IPv4 packets that are not from one source address are left to user space, which
	// drops them.
	singleSource
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

// Offsets in the value of a session for packets to send. Its key is the index of the TUN, 4 octets.
const (
	transmitSlot   = 0  // 4
	transmitOpen   = 4  // 2
	transmitLength = 6  // 2: length of the header
	transmitHeader = 8  // 32: the header, right-aligned
	transmitLen    = 40 // its last 4 octets, LENGTH and Protocol, are written by the program
)

const headerRoom = transmitLen - transmitHeader

// sessionCounters counts packets and octets of one session on one CPU.
type sessionCounters struct{ SentPackets, SentBytes, ReceivedPackets, ReceivedBytes uint64 }

// Offsets in sessionCounters.
const (
	countersSent     = 0
	countersReceived = 16
	countersLen      = 32
)

func (s *session) receiveValue() []byte {
	b := make([]byte, receiveLen)
	binary.NativeEndian.PutUint32(b[receiveDevice:], uint32(s.device))
	binary.NativeEndian.PutUint32(b[receiveSlot:], s.slot)
	copy(b[receiveLocal:], s.Local[:])
	binary.NativeEndian.PutUint16(b[receiveOpen:], s.receiveFlags()|s.unambiguous)
	if s.source.IsValid() {
		copy(b[receiveSource:], s.source.AsSlice())
	}
	return b
}

// receiveFlags returns the families that are open for received packets, and singleSource. If the
// programs cannot check the sources of a family, it is left to user space.
func (s *session) receiveFlags() uint16 {
	switch {
	case !s.sourceFiltered:
		return s.open
	case s.source.IsValid():
		return s.open&openIPv4 | singleSource
	}
	return 0
}

func (s *session) transmitValue() []byte {
	b := make([]byte, transmitLen)
	binary.NativeEndian.PutUint32(b[transmitSlot:], s.slot)
	binary.NativeEndian.PutUint16(b[transmitOpen:], s.open|s.segmentUDP)
	binary.NativeEndian.PutUint16(b[transmitLength:], uint16(len(s.header)))
	copy(b[transmitLen-len(s.header):], s.header)
	return b
}

// header returns the header of each packet of a session, with LENGTH and Protocol 0.
func header(t datapath.SessionConfig, tags vlan.Stack, priority uint8) []byte {
	b := append(append([]byte{}, t.Peer[:]...), t.Local[:]...)
	b = tags.Append(b, priority)
	b = binary.BigEndian.AppendUint16(b, wire.EtherTypeSession)
	b = append(b, 0x11, 0)
	b = binary.BigEndian.AppendUint16(b, t.SessionID)
	return append(b, 0, 0, 0, 0)
}
