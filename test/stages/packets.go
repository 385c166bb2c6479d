package stages

import (
	"encoding/binary"
	"net/netip"

	"upppoe/pppoe/wire"
)

const (
	protocolTCP      = 6
	protocolUDP      = 17
	protocolICMP6    = 58
	protocolHopByHop = 0

	protocolIPv4 = 0x21 // PPP
	protocolIPv6 = 0x57
)

// ip returns an IP packet between two addresses of a family, with valid checksums.
func ip(from, to string, protocol byte, payload ...byte) []byte {
	a, b := netip.MustParseAddr(from), netip.MustParseAddr(to)
	addresses := append(a.AsSlice(), b.AsSlice()...)
	setChecksum(protocol, addresses, payload)
	if a.Is6() {
		p := append([]byte{0x60, 0, 0, 0, 0, 0, protocol, 64}, addresses...)
		binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
		return append(p, payload...)
	}
	p := append([]byte{0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, protocol, 0, 0}, addresses...)
	p = append(p, payload...)
	return withHeaderChecksum(p)
}

// withHeaderChecksum sets the length and the checksum of an IPv4 header without options.
func withHeaderChecksum(p []byte) []byte {
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	p[10], p[11] = 0, 0
	binary.BigEndian.PutUint16(p[10:], ^sum(0, p[:20]))
	return p
}

// setChecksum sets the checksum of a transport that has one.
func setChecksum(protocol byte, addresses, payload []byte) {
	at := map[byte]int{protocolTCP: 16, protocolUDP: 6, protocolICMP6: 2}[protocol]
	if at == 0 || len(payload) < at+2 {
		return
	}
	pseudo := sum(uint32(protocol)+uint32(len(payload)), addresses)
	binary.BigEndian.PutUint16(payload[at:], ^sum(uint32(pseudo), payload))
}

// udp returns a datagram with so many octets of payload.
func udp(to uint16, octets int) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0xc0, 1}, to)
	b = binary.BigEndian.AppendUint16(b, uint16(8+octets))
	return append(append(b, 0, 0), make([]byte, octets)...)
}

// tcp returns a segment with flags, and the option MSS 1460 if it is a SYN.
func tcp(flags byte, octets int) []byte {
	b := []byte{0xc0, 1, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 6 << 4, flags, 0x10, 0, 0, 0, 0, 0, 2, 4, 1460 >> 8, 1460 & 0xff}
	if flags&2 == 0 {
		copy(b[20:], []byte{1, 1, 1, 1}) // no operation
	}
	return append(b, make([]byte, octets)...)
}

// edited replaces octets of a packet.
func edited(p []byte, at int, octets ...byte) []byte {
	copy(p[at:], octets)
	return p
}

// frame returns a frame of the session from its peer, with PPP's Protocol field by the packet's
// version.
func frame(packet []byte) []byte {
	protocol := uint16(protocolIPv4)
	if len(packet) > 0 && packet[0]>>4 == 6 {
		protocol = protocolIPv6
	}
	return frameOf(Peer, SessionID, protocol, packet)
}

func frameOf(from wire.Addr, id, protocol uint16, packet []byte) []byte {
	return wire.AppendSessionFrame(nil, Server, from, id, append([]byte{byte(protocol >> 8), byte(protocol)}, packet...))
}

// tagged returns a frame with a VLAN tag.
func tagged(f []byte) []byte {
	return append(append(append([]byte{}, f[:12]...), 0x81, 0, 0, 50), f[12:]...)
}

// sum adds 16-bit words to a sum (RFC 1071).
func sum(start uint32, b []byte) uint16 {
	for b = append(b[:len(b):len(b)], make([]byte, len(b)%2)...); len(b) > 0; b = b[2:] {
		start += uint32(binary.BigEndian.Uint16(b))
		start = start>>16 + start&0xffff
	}
	return uint16(start>>16 + start)
}
