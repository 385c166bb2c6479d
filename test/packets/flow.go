package packets

import (
	"encoding/binary"
	"slices"
)

// flow is packets of one flow, as a sender of a stream generates them: some of them can be
// coalesced, some differ in a way that prevents it.
type flow struct {
	*Source
	protocol byte
	headers  []byte // IP and TCP or UDP
	ip       int    // length of the IP header
	size     int    // of the payload
	left     int    // remaining packets
}

func (s *Source) newFlow() *flow {
	t := &flow{Source: s, protocol: protocolTCP, left: 2 + s.Rand.IntN(30)}
	if s.Rand.IntN(3) == 0 {
		t.protocol = protocolUDP
	}
	if s.v4() {
		t.headers = append([]byte{0x45, 0, 0, 0}, s.octets(nil, 16)...)
		copy(t.headers[6:], []byte{0x40, 0, 64, t.protocol})
		t.headers[12], t.headers[16] = 10, 10
	} else {
		t.headers = append([]byte{0x60, 0, 0, 0, 0, 0, t.protocol, 64}, s.octets(nil, 32)...)
		copy(t.headers[8:], []byte{0x20, 0x01, 0x0d, 0xb8, 0xff})
		copy(t.headers[24:], []byte{0x20, 0x01, 0x0d, 0xb8, 0xff})
	}
	t.ip = len(t.headers)
	if t.protocol == protocolUDP {
		t.headers = s.octets(t.headers, 8)
	} else {
		t.headers = s.octets(t.headers, 20)
		t.headers[t.ip+12], t.headers[t.ip+13] = 8<<4, 0x10 // ACK
		t.headers = append(append(t.headers, 1, 1, 8, 10), s.octets(nil, 8)...)
	}
	t.size = markLen + s.Rand.IntN(s.MaxLen-len(t.headers)-markLen+1)
	return t
}

// next returns the next packet, and advances the headers to the one after it.
func (t *flow) next(number uint32) []byte {
	t.left--
	p, size := slices.Clone(t.headers), t.size
	if t.Rand.IntN(8) == 0 {
		size = markLen + t.Rand.IntN(t.size-markLen+1)
	}
	t.vary(p)
	p = appendMark(t.octets(p, size-markLen), number)
	setLength(p, len(p))
	setHeaderChecksum(p)
	t.setTransportChecksum(p)
	t.advance(size)
	return p
}

// vary changes some packets so that they differ from the others.
func (t *flow) vary(p []byte) {
	if t.Rand.IntN(12) > 0 {
		return
	}
	switch at := t.ip; t.Rand.IntN(6) {
	case 0:
		p[1] ^= 0x10 // traffic class
	case 1:
		p[7] ^= 1 // hop limit (IPv6), or fragment offset (IPv4)
	case 2:
		p[at] ^= 1 // another flow
	case 3:
		if t.protocol == protocolTCP {
			p[at+13] |= []byte{0x01, 0x08, 0x20, 0x40, 0x80}[t.Rand.IntN(5)]
		}
	case 4:
		// Another identification, but not the first packet's: packets with DF set may be
		// coalesced with it, and get other ones (RFC 6864 section 4).
		p[4] ^= 1
	case 5:
		p[at+7] ^= 2 // an unexpected sequence number
	}
}

// addresses returns the addresses of a packet, as in the pseudo-header.
func (t *flow) addresses(p []byte) []byte {
	if p[0]>>4 == 6 {
		return p[8:40]
	}
	return p[12:20]
}

// setTransportChecksum writes the checksum; sometimes a wrong one.
func (t *flow) setTransportChecksum(p []byte) {
	segment, at := p[t.ip:], 16
	if t.protocol == protocolUDP {
		at = 6
		binary.BigEndian.PutUint16(segment[4:], uint16(len(segment)))
	}
	segment[at], segment[at+1] = 0, 0
	check := ^Sum(uint32(Sum(uint32(t.protocol)+uint32(len(segment)), t.addresses(p))), segment)
	if check == 0 && t.protocol == protocolUDP {
		check = 0xffff // RFC 768
	}
	if t.Rand.IntN(50) == 0 {
		check ^= 0x0100
	}
	binary.BigEndian.PutUint16(segment[at:], check)
}

// advance changes the headers to those of the next packet.
func (t *flow) advance(size int) {
	if t.headers[0]>>4 == 4 {
		binary.BigEndian.PutUint16(t.headers[4:], 1+binary.BigEndian.Uint16(t.headers[4:]))
	}
	if t.protocol == protocolTCP {
		sequence := t.headers[t.ip+4:]
		binary.BigEndian.PutUint32(sequence, uint32(size)+binary.BigEndian.Uint32(sequence))
	}
}
