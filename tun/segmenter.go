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
	headers      []byte // those of the GSO packet
	payload      []byte // what is still to be cut
	size         int    // of a segment's payload
	start        int    // of the transport header
	udp          bool
	flags        uint16 // TCP: offset and flags, without those that not all segments have
	firstFlags   uint16 // TCP: flags of the first segment alone
	lastFlags    uint16 // TCP: flags of the last segment alone
	seq          uint32 // TCP: of the next segment
	id           uint16 // IPv4: of the next packet
	networkSum   uint64 // the sum of what is the same in all IPv4 headers
	transportSum uint64 // the sum of what is the same in all transport headers
}

// Start begins with a GSO packet, which must be left alone until all segments are cut and
// gone. The error is ErrGSOPacket; there are no segments then.
func (s *Segmenter) Start(packet []byte, p PendingOffload) error {
	*s = Segmenter{}
	t := parseTransport(packet)
	if !isConsistent(packet, t, p) {
		return ErrGSOPacket
	}
	header := udpHeader
	if p.Segment != SegmentUDP {
		header = int(t.data[12]>>4) * 4
	}
	if header < t.minHeaderLen() || header >= len(t.data) {
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

// minHeaderLen is the length of a transport header without options.
func (s transportSegment) minHeaderLen() int {
	if s.proto == protoUDP {
		return udpHeader
	}
	return tcpHeader
}

// isConsistent reports whether a packet is one that can be cut as it is said to be.
func isConsistent(packet []byte, t transportSegment, p PendingOffload) bool {
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
		s.networkSum = sum(h[:2]) + sum(h[6:10]) + sum(h[12:s.start])
	}
}

// prepareTransport sums the pseudo-header and the transport header without the fields
// that differ: lengths, checksum, and TCP's sequence number and flags.
func (s *Segmenter) prepareTransport(t transportSegment, p PendingOffload) {
	h := s.headers[s.start:]
	s.transportSum = uint64(t.proto) + sum(t.addresses) + sum(h[:4])
	if t.addresses == nil {
		// The destination is somewhere in a Routing header; the sender knew it.
		field := binary.BigEndian.Uint16(h[t.checksumAt():])
		s.transportSum = uint64(field) + uint64(^fold(uint64(len(t.data)))) + sum(h[:4])
	}
	if s.udp {
		return
	}
	s.seq = binary.BigEndian.Uint32(h[4:])
	flags := binary.BigEndian.Uint16(h[12:])
	s.lastFlags = flags & (flagFIN | flagPSH)
	if p.ECN {
		s.firstFlags = flags & flagCWR
	}
	s.flags = flags &^ (s.firstFlags | s.lastFlags)
	s.transportSum += sum(h[8:12]) + sum(h[14:16]) + sum(h[18:])
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
		s.finishIPv4(b, s.start+length)
	} else {
		binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40+n))
	}
	if s.udp {
		s.finishUDP(b[s.start:], payload, length)
	} else {
		s.finishTCP(b[s.start:], payload, length)
	}
	return payload
}

// finishIPv4 completes an IPv4 header. RFC 6864 section 4: packets of one flow that may be
// fragmented need different Identifications, and one after the other will do.
func (s *Segmenter) finishIPv4(b []byte, length int) {
	check := ^fold(s.networkSum + uint64(length) + uint64(s.id))
	binary.BigEndian.PutUint16(b[2:], uint16(length))
	binary.BigEndian.PutUint16(b[4:], s.id)
	binary.BigEndian.PutUint16(b[10:], check)
	s.id++
}

func (s *Segmenter) finishUDP(b, payload []byte, length int) {
	check := ^fold(s.transportSum + 2*uint64(length) + sum(payload))
	if check == 0 {
		check = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(b[4:], uint16(length))
	binary.BigEndian.PutUint16(b[udpChecksum:], check)
}

func (s *Segmenter) finishTCP(b, payload []byte, length int) {
	flags := s.flags | s.firstFlags
	s.firstFlags = 0
	if len(s.payload) == 0 {
		flags |= s.lastFlags
	}
	check := ^fold(s.transportSum + uint64(length) + uint64(s.seq>>16) + uint64(s.seq&0xffff) + uint64(flags) + sum(payload))
	binary.BigEndian.PutUint32(b[4:], s.seq)
	binary.BigEndian.PutUint16(b[12:], flags)
	binary.BigEndian.PutUint16(b[tcpChecksum:], check)
	s.seq += uint32(len(payload))
}
