package datapath

import (
	"encoding/binary"
	"slices"
)

// syn describes the TCP segment of a test.
type syn struct {
	flags   byte
	options []byte // padded to a multiple of four octets
	data    []byte
}

func (s syn) segment() []byte {
	options := append(slices.Clone(s.options), make([]byte, -len(s.options)&3)...)
	b := make([]byte, tcpHeader, tcpHeader+len(options)+len(s.data))
	copy(b, []byte{0xc0, 0x01, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0xfa, 0xf0})
	b[tcpOffset] = byte(tcpHeader+len(options)) / 4 << 4
	b[tcpFlags] = s.flags
	return append(append(b, options...), s.data...)
}

// ipv4Packet returns an IPv4 packet with a segment, whose checksum is complete.
func ipv4Packet(segment []byte, options ...byte) []byte {
	b := make([]byte, 20, 60)
	b[0], b[8], b[9] = 0x45+byte(len(options)/4), 64, protoTCP
	copy(b[12:], []byte{192, 0, 2, 1, 198, 51, 100, 7})
	b = append(append(b, options...), segment...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	return withChecksum(b, 20+len(options), b[12:20])
}

// ipv6Packet returns an IPv6 packet with a segment behind extension headers; next is the type of
// the first.
func ipv6Packet(segment []byte, next byte, extensions ...byte) []byte {
	b := make([]byte, 40, 100)
	b[0], b[6], b[7] = 0x60, next, 64
	copy(b[8:], []byte{0x20, 0x01, 0x0d, 0xb8, 15: 1, 16: 0x20, 17: 0x01, 18: 0x0d, 19: 0xb8, 31: 2})
	b = append(append(b, extensions...), segment...)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)-40))
	return withChecksum(b, 40+len(extensions), b[8:40])
}

// withChecksum completes the checksum of the segment that begins at an offset.
func withChecksum(packet []byte, at int, addresses []byte) []byte {
	segment := packet[at:]
	copy(segment[tcpChecksum:], []byte{0, 0})
	binary.BigEndian.PutUint16(segment[tcpChecksum:], ^referenceSum(segment, addresses))
	return packet
}

// withPendingChecksum replaces the checksum by the sum of the pseudo-header, as a sender with
// checksum offload does.
func withPendingChecksum(packet []byte, at int, addresses []byte) []byte {
	segment := slices.Clone(packet[at:])
	clear(segment)
	binary.BigEndian.PutUint16(packet[at+tcpChecksum:], referenceSum(segment, addresses))
	return packet
}

// referenceSum sums a segment and its pseudo-header word by word.
func referenceSum(segment, addresses []byte) uint16 {
	b := append(slices.Clone(addresses), 0, protoTCP)
	b = binary.BigEndian.AppendUint16(b, uint16(len(segment)))
	b = append(append(b, segment...), make([]byte, len(segment)%2)...)
	sum := uint32(0)
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
		sum = sum>>16 + sum&0xffff
	}
	return uint16(sum)
}

// mss is the MSS option.
func mss(n int) []byte { return []byte{optionMSS, 4, byte(n >> 8), byte(n)} }

// linuxOptions are the options of a SYN that Linux sends.
func linuxOptions(n int) []byte {
	return append(mss(n), 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7)
}
