package ebpf

import (
	"encoding/binary"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// What programs and maps share. Numbers are in the machine's order of octets, unless they
// are as on the wire.

// receiveKey tells whose a frame from the wire is: 6 octets peer, 2 session ID as on the
// wire, then for each of two tags 2 of ethertype as on the wire and 2 of VLAN identifier.
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

// Offsets in the value of a session, on the way from the wire.
const (
	receiveDevice = 0  // 4: the index of its TUN
	receiveSlot   = 4  // 4: where its meter is
	receiveLocal  = 8  // 6: whom frames must be for
	receiveOpen   = 14 // 2: families
	receiveSource = 16 // 4: whom IPv4 packets must be from, as on the wire; see singleSource
	receiveLen    = 20
)

// What may be done with a session's packets: families that may flow, and more.
const (
	openIPv4 = 1 << iota
	openIPv6
	// segmentUDP has UDP cut in the kernel (UDP_SEGMENT). From a TUN that finishes no
	// checksums, the kernel loses its place when such a packet is given more room at its
	// head, and then drops it.
	segmentUDP
	// unambiguous has frames stripped in XDP, which cannot see all tags: the engine has no
	// other session of this ID and peer, in another VLAN.
	unambiguous
	// singleSource has IPv4 packets left to user space, which drops them, unless they come from
	// one address.
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

// Offsets in the value of a session, on the way to the wire. Its key is the index of the
// TUN, 4 octets.
const (
	transmitSlot   = 0  // 4
	transmitOpen   = 4  // 2
	transmitLength = 6  // 2: octets of the header
	transmitHeader = 8  // 32: the header, at the end of these
	transmitLen    = 40 // LENGTH and Protocol, its last 4 octets, are the program's to write
)

const headerRoom = transmitLen - transmitHeader

// sessionCounters counts packets and octets, of one session on one processor.
type sessionCounters struct{ SentPackets, SentBytes, ReceivedPackets, ReceivedBytes uint64 }

// Offsets in a meter.
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

// receiveFlags is which families may flow from the peer. Where those may come from that the
// programs cannot check, user space has the family.
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

// header is what stands in front of each packet of a session, LENGTH and Protocol 0.
func header(t datapath.Session, tags vlan.Stack, priority uint8) []byte {
	b := append(append([]byte{}, t.Peer[:]...), t.Local[:]...)
	b = tags.Append(b, priority)
	b = binary.BigEndian.AppendUint16(b, wire.EtherTypeSession)
	b = append(b, 0x11, 0)
	b = binary.BigEndian.AppendUint16(b, t.SessionID)
	return append(b, 0, 0, 0, 0)
}
