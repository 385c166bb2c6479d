// Package packet6 parses and makes IPv6 packets (RFC 8200) with ICMPv6 or UDP after the IPv6 header.
package packet6

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
)

// Errors of Parse, Trim and Validate.
var (
	ErrTruncated = errors.New("truncated IPv6 packet")
	ErrVersion   = errors.New("not an IPv6 packet")
	ErrSource    = errors.New("source address is not that of one host")
	ErrChecksum  = errors.New("wrong checksum")
)

// Lengths of headers, in octets (RFC 8200 section 3, RFC 768, RFC 4443 section 2.1).
const (
	HeaderLen = 40
	UDPLen    = 8
	ICMPLen   = 4
)

// Next headers (IANA's protocol numbers).
const (
	UDP    = 17
	ICMPv6 = 58
)

// Packet is an IPv6 packet without extension headers. A parsed one aliases the input.
type Packet struct {
	Source, Destination netip.Addr
	NextHeader          byte
	HopLimit            byte
	Payload             []byte
}

// Parse parses an untrusted packet, and ignores padding after it (RFC 1661 section 2). Trim or Validate checks
// its payload.
func Parse(b []byte) (p Packet, err error) {
	switch {
	case len(b) < HeaderLen:
		return p, ErrTruncated
	case b[0]>>4 != 6:
		return p, ErrVersion
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n > len(b)-HeaderLen {
		return p, ErrTruncated
	}
	p = Packet{
		Source: netip.AddrFrom16([16]byte(b[8:24])), Destination: netip.AddrFrom16([16]byte(b[24:40])),
		NextHeader: b[6], HopLimit: b[7], Payload: b[HeaderLen : HeaderLen+n],
	}
	if !isHost(p.Source) {
		return p, ErrSource
	}
	return p, nil
}

// isHost reports whether a source address can be that of one host, or of one without address. A
// link-local one begins with fe80::/64 (RFC 4291 section 2.5.6).
func isHost(a netip.Addr) bool {
	b := a.As16()
	return !a.IsMulticast() && !a.IsLoopback() && !a.Is4In6() && (!a.IsLinkLocalUnicast() || [6]byte(b[2:8]) == [6]byte{} && b[1] == 0x80)
}

// Trim checks the lengths of a payload that is ICMPv6 or UDP, and removes what is after a UDP datagram.
func (p *Packet) Trim() error {
	if p.NextHeader != UDP {
		if len(p.Payload) < ICMPLen {
			return ErrTruncated
		}
		return nil
	}
	if len(p.Payload) < UDPLen {
		return ErrTruncated
	}
	n := int(binary.BigEndian.Uint16(p.Payload[4:]))
	if n < UDPLen || n > len(p.Payload) {
		return ErrTruncated
	}
	p.Payload = p.Payload[:n]
	return nil
}

// Validate does what Trim does, and checks the checksum, which is not optional for UDP (RFC 8200 section 8.1).
func (p *Packet) Validate() error {
	if err := p.Trim(); err != nil {
		return err
	}
	if p.NextHeader == UDP && p.Payload[6] == 0 && p.Payload[7] == 0 || p.sum() != 0 {
		return ErrChecksum
	}
	return nil
}

// AppendTo appends the packet, with the checksum in its place in the payload, which must be 0 there.
func (p *Packet) AppendTo(b []byte) []byte {
	source, destination := p.Source.As16(), p.Destination.As16()
	b = append(b, 6<<4, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.Payload)))
	b = append(b, p.NextHeader, p.HopLimit)
	b = append(append(b, source[:]...), destination[:]...)
	start := len(b)
	b = append(b, p.Payload...)
	checksum := p.sum()
	if checksum == 0 {
		checksum = 0xffff // 0 would be no checksum, of UDP (RFC 768)
	}
	binary.BigEndian.PutUint16(b[start+ChecksumAt(p.NextHeader):], checksum)
	return b
}

// ChecksumAt returns the offset of the checksum in a payload: of UDP (RFC 768), or of ICMPv6 (RFC 4443 section 2.1).
func ChecksumAt(next byte) int {
	if next == UDP {
		return 6
	}
	return 2
}

// sum returns the checksum over the pseudo-header and the payload; 0 if the payload contains the right one.
func (p *Packet) sum() uint16 {
	from, to := p.Source.As16(), p.Destination.As16()
	total := uint64(len(p.Payload)) + uint64(p.NextHeader)
	for _, part := range [][]byte{from[:], to[:], p.Payload} {
		for two := range slices.Chunk(part, 2) {
			total += uint64(two[0]) << 8
			if len(two) == 2 {
				total += uint64(two[1])
			}
		}
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return ^uint16(total)
}
