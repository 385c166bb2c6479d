package tun

import (
	"encoding/binary"
	"errors"
)

// ErrGSOPacket is returned by Start for a GSO packet that cannot be segmented: it does not match
// its PendingOffload.
var ErrGSOPacket = errors.New("malformed GSO packet: it cannot be segmented")

// TCP flags that not all segments of a GSO packet have: FIN and PSH only the last, CWR only the
// first (RFC 3168 section 6.1.2).
const (
	flagFIN = 0x01
	flagPSH = 0x08
	flagCWR = 0x80
)

// Segmenter segments GSO packets, one after the other, into the packets to be sent on the wire,
// each with headers and checksums of its own. Payload is not copied. The zero value has nothing to
// segment. It is not safe for concurrent use.
type Segmenter struct {
	headers      []byte // of the GSO packet
	payload      []byte // not yet segmented
	size         int    // payload of a segment
	start        int    // offset of the transport header
	udp          bool
	flags        uint16 // TCP: offset and flags that all segments have
	firstFlags   uint16 // TCP: flags of the first segment only
	lastFlags    uint16 // TCP: flags of the last segment only
	seq          uint32 // TCP: of the next segment
	id           uint16 // IPv4: of the next packet
	networkSum   uint64 // sum of the IPv4 header's constant fields
	transportSum uint64 // sum of the pseudo-header's and transport header's constant fields
}

// Start starts segmenting a GSO packet, which must not be changed until all segments have been
// sent. The error is ErrGSOPacket; there are no segments then.
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

// minHeaderLen is the length of the transport header without options.
func (s transportSegment) minHeaderLen() int {
	if s.proto == protoUDP {
		return udpHeader
	}
	return tcpHeader
}

// isConsistent reports whether a packet matches its PendingOffload.
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

// prepareNetwork sums the IPv4 header without the fields that differ: Total Length, Identification,
// Header Checksum.
func (s *Segmenter) prepareNetwork() {
	if h := s.headers; h[0]>>4 == 4 {
		s.id = binary.BigEndian.Uint16(h[4:])
		s.networkSum = sum(h[:2]) + sum(h[6:10]) + sum(h[12:s.start])
	}
}

// prepareTransport sums the pseudo-header and the transport header without the fields that differ:
// lengths, checksum, and TCP's sequence number and flags.
func (s *Segmenter) prepareTransport(t transportSegment, p PendingOffload) {
	h := s.headers[s.start:]
	s.transportSum = uint64(t.proto) + sum(t.addresses) + sum(h[:4])
	if t.addresses == nil {
		// The final destination is in a Routing header; the sender's sum includes it.
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

// HeaderLen is the length of the headers of each segment, in octets.
func (s *Segmenter) HeaderLen() int { return len(s.headers) }

// Len is the number of segments that remain.
func (s *Segmenter) Len() int {
	if s.size == 0 {
		return 0
	}
	return (len(s.payload) + s.size - 1) / s.size
}

// Next returns the payload of the next segment, which is part of the GSO packet, and writes its
// headers to b, which must have room for HeaderLen. It must not be called when Len is 0.
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
// fragmented need different Identifications; consecutive ones suffice.
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
