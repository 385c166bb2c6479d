package shared

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
)

// Reasons for which a packet is dropped. Others are those of packages radv and dhcp6.
var (
	ErrTruncated   = errors.New("truncated IPv6 packet")
	ErrVersion     = errors.New("not an IPv6 packet")
	ErrSource      = errors.New("source address is not that of one host")
	ErrDestination = errors.New("destination address is not ours")
	ErrProtocol    = errors.New("neither ICMPv6 nor UDP follows the IPv6 header")
	ErrChecksum    = errors.New("wrong checksum")
	ErrPort        = errors.New("UDP port is not that of a DHCPv6 server")
	ErrType        = errors.New("ICMPv6 type that is not answered")
	ErrNoSession   = errors.New("session is not up")
	ErrNoDHCPv6    = errors.New("DHCPv6 is not configured")
	ErrRate        = errors.New("rate limit of answers exceeded")
	// ErrReplyTooLarge reports a reply that is larger than the session's MTU.
	ErrReplyTooLarge = errors.New("reply is larger than the MTU")
)

// Lengths of headers, in octets (RFC 8200 section 3, RFC 768, RFC 4443 section 2.1).
const (
	headerLen = 40
	udpLen    = 8
	icmpLen   = 4
)

// Next headers (IANA's protocol numbers).
const (
	protoUDP    = 17
	protoICMPv6 = 58
)

// packet is a parsed IPv6 packet, which aliases the input.
type packet struct {
	source, destination netip.Addr
	next, hopLimit      byte
	payload             []byte
}

// IsLinkScope reports whether an untrusted IPv6 packet is for nobody beyond its link, and must not
// be forwarded: its destination is a link-local address or a multicast group of at most link-local
// scope (RFC 4291 sections 2.5.6 and 2.7). It does not allocate.
func IsLinkScope(b []byte) bool {
	if len(b) < headerLen || b[0]>>4 != 6 {
		return false
	}
	return b[24] == 0xfe && b[25]&0xc0 == 0x80 || b[24] == 0xff && b[25]&0x0f <= 2
}

// parsePacket parses an untrusted packet, and ignores padding after it (RFC 1661 section 2).
func parsePacket(b []byte) (p packet, err error) {
	switch {
	case len(b) < headerLen:
		return p, ErrTruncated
	case b[0]>>4 != 6:
		return p, ErrVersion
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if n > len(b)-headerLen {
		return p, ErrTruncated
	}
	p = packet{
		source: netip.AddrFrom16([16]byte(b[8:24])), destination: netip.AddrFrom16([16]byte(b[24:40])),
		next: b[6], hopLimit: b[7], payload: b[headerLen : headerLen+n],
	}
	if !isHost(p.source) {
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

// valid checks the length and the checksum of the payload (RFC 8200 section 8.1).
func (p *packet) valid() error {
	least := icmpLen
	if p.next == protoUDP {
		least = udpLen
	}
	if len(p.payload) < least {
		return ErrTruncated
	}
	if p.next == protoUDP {
		n := int(binary.BigEndian.Uint16(p.payload[4:]))
		if n < udpLen || n > len(p.payload) {
			return ErrTruncated
		}
		p.payload = p.payload[:n]
		if p.payload[6] == 0 && p.payload[7] == 0 {
			return ErrChecksum // over IPv6 a checksum is not optional
		}
	}
	if sum(p.source, p.destination, p.next, p.payload) != 0 {
		return ErrChecksum
	}
	return nil
}

// appendTo appends the packet, with the checksum at an offset of the payload, where it is 0.
func (p *packet) appendTo(b []byte, offset int) []byte {
	source, destination := p.source.As16(), p.destination.As16()
	b = append(b, 6<<4, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.payload)))
	b = append(b, p.next, p.hopLimit)
	b = append(append(b, source[:]...), destination[:]...)
	start := len(b)
	b = append(b, p.payload...)
	checksum := sum(p.source, p.destination, p.next, p.payload)
	if checksum == 0 {
		checksum = 0xffff // 0 would be no checksum, of UDP (RFC 768)
	}
	binary.BigEndian.PutUint16(b[start+offset:], checksum)
	return b
}

// sum returns the checksum over the pseudo-header and a payload; 0 if the payload contains the
// right one.
func sum(source, destination netip.Addr, next byte, payload []byte) uint16 {
	from, to := source.As16(), destination.As16()
	total := uint64(len(payload)) + uint64(next)
	for _, part := range [][]byte{from[:], to[:], payload} {
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
