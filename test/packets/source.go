// Package packets generates IP packets of all kinds for tests, and transfers them between two
// packet sockets: each packet is compared with the one sent, and none is lost in a full queue. It
// also captures PPPoE frames and checks their lengths and checksums (RFC 2516, RFC 1071).
package packets

import (
	"encoding/binary"
	"math/rand/v2"
)

// Source generates packets, each of which ends in a mark and its number. None is for an existing
// host, and no SYN has an MSS that a clamp would lower.
type Source struct {
	// Rand is the source of randomness. It must be set.
	Rand *rand.Rand
	// MaxLen is the maximum length of a packet in octets, 200 or more.
	MaxLen int
	// Version restricts packets to one IP version, 4 or 6; 0: both.
	Version byte
	// FirstNumber is the number of the first packet. It must not change after the first call of
	// Next.
	FirstNumber uint32
	// Flows generates some packets as flows, like those of a stream, so that a receiver can
	// coalesce them.
	Flows bool
	// GSO has Transfer send some packets as GSO packets.
	GSO bool

	count uint32
	flow  *flow
}

// The end of a packet: mark, number.
const (
	mark    = 0x5eed50ac
	markLen = 8
)

// Next returns the next packet.
func (s *Source) Next() []byte {
	number := s.FirstNumber + s.count
	s.count++
	if s.flow == nil && s.Flows && s.Rand.IntN(8) == 0 {
		s.flow = s.newFlow()
	}
	if s.flow != nil {
		p := s.flow.next(number)
		if s.flow.left == 0 {
			s.flow = nil
		}
		return p
	}
	p := s.ip(func(b []byte, protocol byte) []byte { return s.payload(b, protocol, number) })
	s.writeLength(p)
	return p
}

// numberOf returns the number of a packet; !ok: it is not from a Source.
func numberOf(p []byte) (n uint32, ok bool) {
	if len(p) < markLen || binary.BigEndian.Uint32(p[len(p)-8:]) != mark {
		return 0, false
	}
	return binary.BigEndian.Uint32(p[len(p)-4:]), true
}

func appendMark(b []byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, mark), number)
}

// ip returns a packet with random headers and the payload that a function appends.
func (s *Source) ip(payload func(b []byte, protocol byte) []byte) []byte {
	protocol := []byte{protocolICMP, 2, protocolTCP, protocolTCP, protocolTCP, protocolUDP, protocolUDP, 47, 50, 51, 58, 59, 89, 132, 253, 255}[s.Rand.IntN(16)]
	if s.v4() {
		return payload(s.ipv4(protocol), protocol)
	}
	return payload(s.ipv6(protocol), protocol)
}

// v4 reports whether the next packet is IPv4.
func (s *Source) v4() bool { return s.Version == 4 || s.Version == 0 && s.Rand.IntN(2) == 0 }

// Protocol numbers (IANA).
const (
	protocolICMP = 1
	protocolTCP  = 6
	protocolUDP  = 17
)

// ipv4 returns a header, sometimes with options.
func (s *Source) ipv4(protocol byte) []byte {
	options := 0
	if s.Rand.IntN(4) == 0 {
		options = 4 * s.Rand.IntN(11)
	}
	b := s.octets(nil, 20+options)
	b[0] = 0x45 + byte(options/4)
	if s.Rand.IntN(4) > 0 {
		b[6], b[7] = b[6]&0x40, 0
	}
	b[8], b[9] = 1+byte(s.Rand.IntN(255)), protocol
	b[12], b[16] = 10, 10 // RFC 1918
	return b
}

// ipv6 returns a header, sometimes with extension headers (RFC 8200 section 4).
func (s *Source) ipv6(protocol byte) []byte {
	b := s.octets(nil, 40)
	b[0] = 0x60 | b[0]&0xf
	copy(b[8:], []byte{0x20, 0x01, 0x0d, 0xb8, 0xff})
	copy(b[24:], []byte{0x20, 0x01, 0x0d, 0xb8, 0xff})
	next := 6
	if s.Rand.IntN(3) == 0 {
		for range 1 + s.Rand.IntN(4) {
			b[next] = []byte{0, 43, fragment, 60}[s.Rand.IntN(4)]
			kind, at := b[next], len(b)
			b = s.octets(b, 8*(1+s.Rand.IntN(3)))
			b[at+1] = byte((len(b)-at)/8 - 1)
			if kind == fragment {
				b = b[:at+8]
			}
			next = at
		}
	}
	b[next] = protocol
	return b
}

const fragment = 44

// payload appends a payload of the protocol, of the maximum length or shorter.
func (s *Source) payload(b []byte, protocol byte, number uint32) []byte {
	at := len(b)
	switch protocol {
	case protocolTCP:
		b = s.tcp(b)
	case protocolUDP:
		b = s.octets(b, 8)
	}
	room := s.MaxLen - len(b) - markLen
	switch s.Rand.IntN(4) {
	case 0: // full
	case 1:
		room = s.Rand.IntN(20)
	default:
		room = s.Rand.IntN(room)
	}
	b = appendMark(s.octets(b, room), number)
	if protocol == protocolUDP {
		binary.BigEndian.PutUint16(b[at+4:], uint16(len(b)-at))
	}
	return b
}

// tcp appends a header. The MSS option of a SYN is one that need not be clamped.
func (s *Source) tcp(b []byte) []byte {
	at := len(b)
	b = s.octets(b, 20)
	b[at+12] = 5 << 4
	if b[at+13]&0x02 != 0 {
		b = append(b, 1, 1, 2, 4, 1, 0, 1, 1) // MSS 256
		b[at+12] = 7 << 4
	} else if s.Rand.IntN(2) == 0 {
		options := 4 * s.Rand.IntN(11)
		b = s.octets(b, options)
		b[at+12] += byte(options/4) << 4
	}
	return b
}

// writeLength writes the length of a packet to its IP header; sometimes a wrong one.
func (s *Source) writeLength(p []byte) {
	length := len(p)
	switch s.Rand.IntN(16) {
	case 0:
		length -= s.Rand.IntN(markLen + 1)
	case 1:
		length += s.Rand.IntN(20)
	}
	setLength(p, length)
	setHeaderChecksum(p)
}

// setLength writes a length to the IP header.
func setLength(p []byte, length int) {
	if p[0]>>4 == 4 {
		binary.BigEndian.PutUint16(p[2:], uint16(length))
	} else {
		binary.BigEndian.PutUint16(p[4:], uint16(length-40))
	}
}

// setHeaderChecksum writes the checksum of an IPv4 header.
func setHeaderChecksum(p []byte) {
	if p[0]>>4 == 4 {
		p[10], p[11] = 0, 0
		binary.BigEndian.PutUint16(p[10:], ^Sum(0, p[:int(p[0]&15)*4]))
	}
}

// octets appends n random octets.
func (s *Source) octets(b []byte, n int) []byte {
	for ; n >= 8; n -= 8 {
		b = binary.NativeEndian.AppendUint64(b, s.Rand.Uint64())
	}
	for ; n > 0; n-- {
		b = append(b, byte(s.Rand.Uint32()))
	}
	return b
}
