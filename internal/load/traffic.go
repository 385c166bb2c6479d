package load

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// traffic is the packets that the sessions send during the hold.
type traffic struct {
	rate  float64    // packets per second, over all sessions; 0: none
	size  int        // of an IP packet, in octets
	peers bool       // UDP from each client to the next
	to    netip.Addr // destination; invalid: the server's address
	port  uint16     // UDP to an echo service; 0: ICMP echo
}

const (
	ipHeader   = 20
	protoICMP  = 1
	protoUDP   = 17
	payloadLen = 20
	// minPacket has room for the payload after an IPv4 and an ICMP or UDP header of 8 octets.
	minPacket = ipHeader + 8 + payloadLen
)

// ourUDPPort is the source port of our UDP packets, and the destination port between clients.
const ourUDPPort = 4646

// payload is what our packets carry, to recognize the answer.
type payload struct {
	probe  bool   // the first packet of a session
	client uint32 // the sender
	sent   int64  // nanoseconds since the start
}

var (
	magicTraffic = [4]byte{'u', 'p', 'l', 'd'}
	magicProbe   = [4]byte{'u', 'p', 'l', 'p'}
)

func (p payload) appendTo(b []byte) []byte {
	magic := magicTraffic
	if p.probe {
		magic = magicProbe
	}
	b = append(b, magic[:]...)
	b = binary.BigEndian.AppendUint32(b, p.client)
	return binary.BigEndian.AppendUint64(b, uint64(p.sent))
}

func parsePayload(b []byte) (p payload, ok bool) {
	if len(b) < 16 {
		return p, false
	}
	switch [4]byte(b) {
	case magicProbe:
		p.probe = true
	case magicTraffic:
	default:
		return p, false
	}
	p.client, p.sent = binary.BigEndian.Uint32(b[4:]), int64(binary.BigEndian.Uint64(b[8:]))
	return p, true
}

// appendIPv4 appends an IPv4 header for a packet of size octets (RFC 791).
func appendIPv4(b []byte, src, dst netip.Addr, protocol byte, size int) []byte {
	start := len(b)
	s, d := src.As4(), dst.As4()
	b = append(b, 0x45, 0, byte(size>>8), byte(size), 0, 0, 0x40, 0, 64, protocol, 0, 0)
	b = append(append(b, s[:]...), d[:]...)
	binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:]))
	return b
}

// appendPacket appends a packet of size octets: an ICMP Echo-Request (RFC 792), or UDP without a
// checksum (RFC 768) if port is not 0.
func appendPacket(b []byte, src, dst netip.Addr, port uint16, p payload, size int) []byte {
	start := len(b)
	if port != 0 {
		b = appendIPv4(b, src, dst, protoUDP, size)
		b = binary.BigEndian.AppendUint16(b, ourUDPPort)
		b = binary.BigEndian.AppendUint16(b, port)
		b = binary.BigEndian.AppendUint16(b, uint16(size-ipHeader))
		b = append(b, 0, 0)
		return pad(p.appendTo(b), start+size)
	}
	b = appendIPv4(b, src, dst, protoICMP, size)
	b = append(b, 8, 0, 0, 0, byte(p.client>>8), byte(p.client), byte(p.sent>>8), byte(p.sent))
	b = pad(p.appendTo(b), start+size)
	icmp := b[start+ipHeader:]
	binary.BigEndian.PutUint16(icmp[2:], checksum(icmp))
	return b
}

func pad(b []byte, size int) []byte {
	for len(b) < size {
		b = append(b, 0)
	}
	return b
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) > 0 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// parseAnswer returns our payload in a received packet: an Echo-Reply, or UDP.
func parseAnswer(b []byte) (p payload, ok bool) {
	if len(b) < minPacket-payloadLen+16 || b[0] != 0x45 {
		return p, false
	}
	if protocol, icmp := b[9], b[ipHeader:]; protocol != protoUDP && (protocol != protoICMP || icmp[0] != 0) {
		return p, false
	}
	return parsePayload(b[ipHeader+8:])
}

// since is a time as carried in a payload.
func (g *Generator) stamp(now time.Time) int64 { return now.Sub(g.began).Nanoseconds() }
