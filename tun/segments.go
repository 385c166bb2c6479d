package tun

import (
	"encoding/binary"
	"errors"
)

// ErrGSOPacket is returned for a GSO packet that cannot be cut: what is said of it does
// not fit what it is.
var ErrGSOPacket = errors.New("a GSO packet that cannot be cut into segments")

// TCP flags that not all segments of a GSO packet have: FIN and PSH are the last
// one's, CWR the first one's (RFC 3168 section 6.1.2).
const (
	flagFIN = 0x01
	flagPSH = 0x08
	flagCWR = 0x80
)

// Segmenter cuts GSO packets: one after the other, into the packets that go out on the
// wire, each with headers and checksums of its own. Payload is not copied. The zero
// value has nothing to cut. It is not safe for concurrent use.
type Segmenter struct {
	headers []byte // those of the GSO packet
	payload []byte // what is still to be cut
	size    int    // of a segment's payload
	start   int    // of the transport header
	udp     bool
	flags   uint16 // TCP: offset and flags, without those that not all segments have
	first   uint16 // TCP: flags of the first segment alone
	last    uint16 // TCP: flags of the last segment alone
	seq     uint32 // TCP: of the next segment
	id      uint16 // IPv4: of the next packet
	network uint64 // the sum of what is the same in all IPv4 headers
	common  uint64 // the sum of what is the same in all transport headers
}

// Start begins with a GSO packet, which must be left alone until all segments are cut and
// gone. The error is ErrGSOPacket; there are no segments then.
func (s *Segmenter) Start(packet []byte, p PendingOffload) error {
	*s = Segmenter{}
	t := transport(packet)
	if !fits(packet, t, p) {
		return ErrGSOPacket
	}
	header := udpHeader
	if p.Segment != SegmentUDP {
		header = int(t.data[12]>>4) * 4
	}
	if header < t.least() || header >= len(t.data) {
		return ErrGSOPacket
	}
	s.headers, s.payload = packet[:t.start+header], t.data[header:]
	s.size, s.start, s.udp = int(p.Size), t.start, p.Segment == SegmentUDP
	s.prepareNetwork()
	s.prepareTransport(t, p)
	return nil
}

const (
	udpHeader = 8
	tcpHeader = 20 // without options
)

// least is the length of a transport header without options.
func (s segment) least() int {
	if s.proto == protoUDP {
		return udpHeader
	}
	return tcpHeader
}

// fits reports whether a packet is one that can be cut as it is said to be.
func fits(packet []byte, t segment, p PendingOffload) bool {
	if p.Size == 0 || t.checksumAt() == 0 {
		return false
	}
	switch p.Segment {
	case SegmentTCP4:
		return t.proto == protoTCP && packet[0]>>4 == 4
	case SegmentTCP6:
		return t.proto == protoTCP && packet[0]>>4 == 6
	case SegmentUDP:
		return t.proto == protoUDP
	}
	return false
}

// prepareNetwork sums the IPv4 header without the fields that differ: Total Length,
// Identification, Header Checksum.
func (s *Segmenter) prepareNetwork() {
	if h := s.headers; h[0]>>4 == 4 {
		s.id = binary.BigEndian.Uint16(h[4:])
		s.network = sum(h[:2]) + sum(h[6:10]) + sum(h[12:s.start])
	}
}

// prepareTransport sums the pseudo-header and the transport header without the fields
// that differ: lengths, checksum, and TCP's sequence number and flags.
func (s *Segmenter) prepareTransport(t segment, p PendingOffload) {
	h := s.headers[s.start:]
	s.common = uint64(t.proto) + sum(t.addresses) + sum(h[:4])
	if t.addresses == nil {
		// The destination is somewhere in a Routing header; the sender knew it.
		field := binary.BigEndian.Uint16(h[t.checksumAt():])
		s.common = uint64(field) + uint64(^fold(uint64(len(t.data)))) + sum(h[:4])
	}
	if s.udp {
		return
	}
	s.seq = binary.BigEndian.Uint32(h[4:])
	flags := binary.BigEndian.Uint16(h[12:])
	s.last = flags & (flagFIN | flagPSH)
	if p.ECN {
		s.first = flags & flagCWR
	}
	s.flags = flags &^ (s.first | s.last)
	s.common += sum(h[8:12]) + sum(h[14:16]) + sum(h[18:])
}

// HeaderLen is how many octets of headers each segment has.
func (s *Segmenter) HeaderLen() int { return len(s.headers) }

// Len is how many segments are still to be cut.
func (s *Segmenter) Len() int {
	if s.size == 0 {
		return 0
	}
	return (len(s.payload) + s.size - 1) / s.size
}

// Next cuts a segment: it writes its headers to b, which has room for HeaderLen, and
// returns its payload, which lies in the GSO packet. It must not be called when Len
// is 0.
func (s *Segmenter) Next(b []byte) (payload []byte) {
	n := min(s.size, len(s.payload))
	payload, s.payload = s.payload[:n:n], s.payload[n:]
	b = b[:copy(b, s.headers)]
	length := len(b) - s.start + n
	if b[0]>>4 == 4 {
		s.network4(b, s.start+length)
	} else {
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40+n))
	}
	if s.udp {
		s.datagram(b[s.start:], payload, length)
	} else {
		s.tcp(b[s.start:], payload, length)
	}
	return payload
}

// network4 completes an IPv4 header. RFC 6864 section 4: packets of one flow that may be
// fragmented need different Identifications, and one after the other will do.
func (s *Segmenter) network4(b []byte, length int) {
	check := ^fold(s.network + uint64(length) + uint64(s.id))
	binary.BigEndian.PutUint16(b[2:], uint16(length))
	binary.BigEndian.PutUint16(b[4:], s.id)
	binary.BigEndian.PutUint16(b[10:], check)
	s.id++
}

func (s *Segmenter) datagram(b, payload []byte, length int) {
	check := ^fold(s.common + 2*uint64(length) + sum(payload))
	if check == 0 {
		check = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	binary.BigEndian.PutUint16(b[udpChecksum:], check)
}

func (s *Segmenter) tcp(b, payload []byte, length int) {
	flags := s.flags | s.first
	s.first = 0
	if len(s.payload) == 0 {
		flags |= s.last
	}
	check := ^fold(s.common + uint64(length) + uint64(s.seq>>16) + uint64(s.seq&0xffff) + uint64(flags) + sum(payload))
	binary.BigEndian.PutUint32(b[4:], s.seq)
	binary.BigEndian.PutUint16(b[12:], flags)
	binary.BigEndian.PutUint16(b[tcpChecksum:], check)
	s.seq += uint32(len(payload))
}
