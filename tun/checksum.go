package tun

import "encoding/binary"

// Protocol numbers of the transports whose checksums a sender may leave open, and
// of the IPv6 extension headers before them.
const (
	protoHopByHop = 0
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoOptions  = 60
)

// maxExtensions bounds the walk over IPv6 extension headers.
const maxExtensions = 8

// CompleteChecksum finishes the TCP or UDP checksum of an IP packet whose sender
// left only the sum of the pseudo-header in its place, as Linux does where it
// believes that hardware will do the rest (CHECKSUM_PARTIAL). It says whether it
// has; packets of other transports, fragments and broken ones it leaves alone.
func CompleteChecksum(packet []byte) bool {
	proto, segment := transport(packet)
	var at int
	switch {
	case proto == protoTCP && len(segment) >= 20:
		at = 16
	case proto == protoUDP && len(segment) >= 8:
		at = 6
	default:
		return false
	}
	// The field holds the pseudo-header's sum, so that summing the segment with
	// the field in it gives the whole.
	sum := ^fold(sum(segment))
	if sum == 0 && proto == protoUDP {
		sum = 0xffff // RFC 768: zero means no checksum
	}
	binary.BigEndian.PutUint16(segment[at:], sum)
	return true
}

// transport returns the transport protocol of a packet and its segment, without
// what lies beyond the packet's own length; nil if there is none to be had.
func transport(packet []byte) (proto byte, segment []byte) {
	if len(packet) < 20 {
		return 0, nil
	}
	switch packet[0] >> 4 {
	case 4:
		return transport4(packet)
	case 6:
		return transport6(packet)
	}
	return 0, nil
}

func transport4(packet []byte) (byte, []byte) {
	header := int(packet[0]&0xf) * 4
	total := int(binary.BigEndian.Uint16(packet[2:]))
	fragment := binary.BigEndian.Uint16(packet[6:]) & 0x3fff // MF and offset
	if header < 20 || total < header || total > len(packet) || fragment != 0 {
		return 0, nil
	}
	return packet[9], packet[header:total]
}

func transport6(packet []byte) (byte, []byte) {
	if len(packet) < 40 {
		return 0, nil
	}
	end := 40 + int(binary.BigEndian.Uint16(packet[4:]))
	if end > len(packet) {
		return 0, nil
	}
	next, rest := packet[6], packet[40:end]
	for range maxExtensions {
		if next != protoHopByHop && next != protoRouting && next != protoOptions {
			return next, rest
		}
		if len(rest) < 8 || len(rest) < 8+int(rest[1])*8 {
			return 0, nil
		}
		next, rest = rest[0], rest[8+int(rest[1])*8:]
	}
	return 0, nil
}

// sum is the sum of 16-bit words (RFC 1071), not yet folded.
func sum(b []byte) (s uint64) {
	for ; len(b) >= 4; b = b[4:] {
		s += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return uint16(s)
}
