package reader

import (
	"encoding/binary"

	"upppoe/pppoe/vlan"
)

// TZSP, the TaZmen Sniffer Protocol, carries frames over UDP, as those that RouterOS streams by /tool sniffer. Port
// and header are as Wireshark's dissector has them: version 1, the type of the message, the link layer of the frame, and
// tags, each of a type and, but for two of them, a length and a value.
const (
	tzspPort     = 37008
	tzspHeader   = 4
	tzspVersion  = 1
	tzspTransmit = 1 // the type of a frame to be sent; 0 is one that was received, others have none
	tzspEthernet = 1

	tzspPadding = 0
	tzspEnd     = 1
	tzspLength  = 41 // the frame's length, if the sensor has cut it
)

const (
	etherTypeIPv4 = 0x0800
	etherTypeIPv6 = 0x86dd
	protoUDP      = 17
	udpHeader     = 8
)

// decapsulate makes a packet of a TZSP stream the Ethernet frame in it.
func (p *Packet) decapsulate() {
	ip, etherType := p.network()
	datagram, length := udpTo(ip, etherType, tzspPort)
	frame, original := tzspFrame(datagram)
	if frame == nil {
		return
	}
	if original == 0 {
		original = length - (len(datagram) - len(frame))
	}
	p.Data, p.Length, p.Link, p.Streamed = frame, max(original, len(frame)), LinkEthernet, true
}

// network returns the ethertype of a packet, after VLAN tags, and what follows it; nil: none.
func (p *Packet) network() (b []byte, etherType uint16) {
	b = p.Data
	at := -1 // offset of the ethertype
	switch {
	case p.Link == LinkEthernet:
		at = etherHeader - 2
	case p.Link == LinkSLL:
		at = sllHeader - 2
	case p.Link == LinkSLL2 && len(b) >= sll2Header:
		return b[sll2Header:], binary.BigEndian.Uint16(b)
	}
	for range vlan.MaxDepth + 1 {
		if at < 0 || len(b) < at+2 {
			return nil, 0
		}
		etherType = binary.BigEndian.Uint16(b[at:])
		if !vlan.IsTPID(etherType) {
			return b[at+2:], etherType
		}
		at += vlan.TagLen
	}
	return nil, 0
}

// udpTo returns the payload of a UDP datagram to a port, as far as it was captured, and its length on the wire; nil: it is
// none. Of fragments only the first has what is needed.
func udpTo(b []byte, etherType, port uint16) (payload []byte, length int) {
	switch {
	case etherType == etherTypeIPv4 && len(b) >= 20 && b[0]>>4 == 4 && b[9] == protoUDP && binary.BigEndian.Uint16(b[6:])&0x1fff == 0:
		header, total := int(b[0]&0xf)*4, int(binary.BigEndian.Uint16(b[2:]))
		if header < 20 || total < header {
			return nil, 0
		}
		b = b[min(header, len(b)):min(total, len(b))]
	case etherType == etherTypeIPv6 && len(b) >= 40 && b[0]>>4 == 6 && b[6] == protoUDP:
		b = b[40:min(40+int(binary.BigEndian.Uint16(b[4:])), len(b))]
	default:
		return nil, 0
	}
	if len(b) < udpHeader || binary.BigEndian.Uint16(b[2:]) != port {
		return nil, 0
	}
	length = int(binary.BigEndian.Uint16(b[4:])) - udpHeader
	if length < 0 {
		return nil, 0
	}
	return b[udpHeader:min(udpHeader+length, len(b))], length
}

// tzspFrame returns the Ethernet frame of a message, and its length on the wire if the message says that; nil: there is
// none.
func tzspFrame(b []byte) (frame []byte, original int) {
	if len(b) < tzspHeader || b[0] != tzspVersion || b[1] > tzspTransmit || binary.BigEndian.Uint16(b[2:]) != tzspEthernet {
		return nil, 0
	}
	for b = b[tzspHeader:]; len(b) > 0; {
		switch tag := b[0]; {
		case tag == tzspEnd:
			if len(b) < 1+etherHeader {
				return nil, 0
			}
			return b[1:], original
		case tag == tzspPadding:
			b = b[1:]
		case len(b) < 2 || len(b) < 2+int(b[1]):
			return nil, 0
		default:
			if tag == tzspLength && b[1] == 2 {
				original = int(binary.BigEndian.Uint16(b[2:]))
			}
			b = b[2+int(b[1]):]
		}
	}
	return nil, 0
}
