package packet6

import "encoding/binary"

// Datagram is a UDP datagram (RFC 768).
type Datagram struct {
	SourcePort, DestinationPort uint16
	Data                        []byte
}

// AppendTo appends the datagram with a checksum of 0, for Packet.AppendTo.
func (d Datagram) AppendTo(b []byte) []byte {
	for _, field := range []uint16{d.SourcePort, d.DestinationPort, uint16(UDPLen + len(d.Data)), 0} {
		b = binary.BigEndian.AppendUint16(b, field)
	}
	return append(b, d.Data...)
}

// Datagram returns the UDP datagram of a packet whose next header is UDP, after Trim or Validate.
func (p *Packet) Datagram() Datagram {
	return Datagram{binary.BigEndian.Uint16(p.Payload), binary.BigEndian.Uint16(p.Payload[2:]), p.Payload[UDPLen:]}
}
