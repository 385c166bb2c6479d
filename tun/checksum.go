package tun

import (
	"encoding/binary"
	"math/bits"
)

// Protocol numbers of the transports whose checksums a sender may leave pending, and of the IPv6
// extension headers before them.
const (
	protoHopByHop = 0
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoOptions  = 60
)

// maxExtensions bounds the number of IPv6 extension headers that are parsed.
const maxExtensions = 8

// CompleteChecksum completes the TCP or UDP checksum of an IP packet whose checksum field holds
// only the sum of the pseudo-header, as Linux leaves it to hardware (CHECKSUM_PARTIAL). It reports
// whether it did. It does not change packets of other transports, fragments, malformed packets, and
// packets whose field holds anything but that sum: their pending checksum is an encapsulated
// packet's, for example in VXLAN.
func CompleteChecksum(packet []byte) bool {
	s := parseTransport(packet)
	at := s.checksumAt()
	if at == 0 {
		return false
	}
	field := s.data[at : at+2]
	if !s.isPseudoSum(binary.BigEndian.Uint16(field)) {
		return false
	}
	// The field holds the pseudo-header's sum, so that the sum of the segment includes it.
	check := ^fold(sum(s.data))
	if check == 0 && s.proto == protoUDP {
		check = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(field, check)
	return true
}

// transportSegment is the payload of an IP packet, with the fields of the IP header that are in the
// pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).
type transportSegment struct {
	proto     byte
	addresses []byte // source and destination; nil: the destination is in a Routing header
	data      []byte // without octets beyond the packet's length field
	start     int    // offset in the packet
}

// Offsets of the checksum in the headers of TCP and UDP.
const (
	tcpChecksum = 16
	udpChecksum = 6
)

// checksumAt returns the offset of the segment's checksum; 0: it is neither TCP nor UDP, or
// truncated.
func (s transportSegment) checksumAt() int {
	switch {
	case s.proto == protoTCP && len(s.data) >= 20:
		return tcpChecksum
	case s.proto == protoUDP && len(s.data) >= 8:
		return udpChecksum
	}
	return 0
}

// isPseudoSum reports whether a checksum field holds the sum of the pseudo-header. Zero has two
// forms in one's complement.
func (s transportSegment) isPseudoSum(field uint16) bool {
	if s.addresses == nil {
		return true
	}
	pseudo := fold(sum(s.addresses) + uint64(s.proto) + uint64(len(s.data)))
	return field%0xffff == pseudo%0xffff
}

// parseTransport returns the payload of a packet; the zero value if the packet is malformed or a
// fragment.
func parseTransport(packet []byte) transportSegment {
	if len(packet) < 20 {
		return transportSegment{}
	}
	switch packet[0] >> 4 {
	case 4:
		return parseTransport4(packet)
	case 6:
		return parseTransport6(packet)
	}
	return transportSegment{}
}

func parseTransport4(packet []byte) transportSegment {
	header := int(packet[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(packet[2:]))
	fragment := binary.BigEndian.Uint16(packet[6:]) & 0x3fff // MF and offset
	if header < 20 || total < header || total > len(packet) || fragment != 0 {
		return transportSegment{}
	}
	return transportSegment{packet[9], packet[12:20], packet[header:total], header}
}

func parseTransport6(packet []byte) transportSegment {
	if len(packet) < 40 {
		return transportSegment{}
	}
	end := 40 + int(binary.BigEndian.Uint16(packet[4:]))
	if end > len(packet) {
		return transportSegment{}
	}
	s := transportSegment{packet[6], packet[8:40], packet[40:end], 40}
	for range maxExtensions {
		switch s.proto {
		case protoHopByHop, protoOptions:
		case protoRouting:
			s.addresses = nil
		default:
			return s
		}
		if len(s.data) < 8 || len(s.data) < 8+int(s.data[1])*8 {
			return transportSegment{}
		}
		next := 8 + int(s.data[1])*8
		s.proto, s.data, s.start = s.data[0], s.data[next:], s.start+next
	}
	return transportSegment{}
}

// sum is the one's complement sum of 16-bit words (RFC 1071), folded. It is computed in the
// machine's byte order and with 64-bit words: the result is the same (RFC 1071 section 2). Two
// independent sums run in parallel in the processor.
func sum(b []byte) uint64 {
	var s, t, carry uint64
	for ; len(b) >= 128; b = b[128:] {
		c := (*[128]byte)(b)
		s, t = add64(s, (*[64]byte)(c[:64])), add64(t, (*[64]byte)(c[64:]))
	}
	s, carry = bits.Add64(s, t, 0)
	for ; len(b) >= 8; b = b[8:] {
		s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b), carry)
	}
	var rest [8]byte
	copy(rest[:], b)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(rest[:]), carry)
	s, carry = bits.Add64(s, carry, 0)
	var inOrder [2]byte
	binary.NativeEndian.PutUint16(inOrder[:], fold(s>>32+s&0xffffffff+carry))
	return uint64(binary.BigEndian.Uint16(inOrder[:]))
}

// add64 adds 64 octets. The last carry is added at the end without overflow: a sum that has carried
// is less than all ones.
func add64(s uint64, b *[64]byte) uint64 {
	s, carry := bits.Add64(s, binary.NativeEndian.Uint64(b[0:]), 0)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[8:]), carry)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[16:]), carry)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[24:]), carry)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[32:]), carry)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[40:]), carry)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[48:]), carry)
	s, carry = bits.Add64(s, binary.NativeEndian.Uint64(b[56:]), carry)
	return s + carry
}

// fold reduces a sum to 16 bits.
func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
