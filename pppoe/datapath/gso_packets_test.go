package datapath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"upppoe/tun"
)

// packetMaker makes packets as a host sends them to a device.
type packetMaker struct {
	*rand.Rand
	flows [8]struct {
		seq uint32
		id  uint16
	}
}

func (m *packetMaker) fill(b []byte) []byte {
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return b
}

// next returns an ordinary packet or a GSO packet, of TCP, UDP or another protocol.
func (m *packetMaker) next() gsoPacket {
	i := m.IntN(len(m.flows))
	v6, udp := i%2 == 1, i%4 > 1
	switch m.IntN(10) {
	case 0:
		return gsoPacket{packet: m.network(i, 1, v6, m.fill(make([]byte, 1+m.IntN(1400))))}
	case 1:
		return m.transport(i, v6, udp, 0, 1+m.IntN(1400))
	default:
		size := 1 + m.IntN(1380)
		return m.transport(i, v6, udp, size, min(size+1+m.IntN(size*40), 60000))
	}
}

// transport returns a TCP or UDP packet with a pending checksum; size 0: an ordinary packet.
func (m *packetMaker) transport(flow int, v6, udp bool, size, payload int) gsoPacket {
	f := &m.flows[flow]
	var b []byte
	proto, offset, kind := byte(6), 16, tun.SegmentTCP4
	if udp {
		proto, offset, kind = 17, 6, tun.SegmentUDP
		b = binary.BigEndian.AppendUint16([]byte{1, byte(flow), 0, 9}, uint16(8+payload))
		b = append(b, 0, 0)
	} else {
		b = binary.BigEndian.AppendUint32([]byte{1, byte(flow), 0, 9}, f.seq)
		b = append(b, 0, 0, 0, 1, 5<<4, 0x10, 1, 1, 0, 0, 0, 0)
		f.seq += uint32(payload)
		if v6 {
			kind = tun.SegmentTCP6
		}
	}
	b = append(b, m.fill(make([]byte, payload))...)
	packet := m.network(flow, proto, v6, b)
	start := len(packet) - len(b)
	addresses := packet[12:20]
	if v6 {
		addresses = packet[8:40]
	}
	sum := uint32(proto) + uint32(len(b))
	for i := 0; i < len(addresses); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(addresses[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(packet[start+offset:], uint16(sum))
	p := tun.PendingOffload{Checksum: true, Start: uint16(start), Offset: uint16(offset)}
	if size > 0 {
		p.Segment, p.Size = kind, uint16(size)
	}
	return gsoPacket{packet: packet, pending: p}
}

func (m *packetMaker) network(flow int, proto byte, v6 bool, payload []byte) []byte {
	if v6 {
		b := append([]byte{0x60, 0, 0, 0, 0, 0, proto, 64}, bytes.Repeat([]byte{0x20}, 32)...)
		binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
		return append(b, payload...)
	}
	b := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, byte(flow)}
	binary.BigEndian.PutUint16(b[2:], uint16(20+len(payload)))
	binary.BigEndian.PutUint16(b[4:], m.flows[flow].id)
	m.flows[flow].id += 100
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum+sum>>16))
	return append(b, payload...)
}

// segments returns the packets that a GSO packet stands for, as they are sent on the wire. Package
// tun tests the Segmenter itself.
func (s gsoPacket) segments(t *testing.T) (all [][]byte) {
	t.Helper()
	if s.pending.Segment == tun.SegmentNone {
		p := bytes.Clone(s.packet)
		if !s.pending.Complete(p) {
			t.Fatal("a checksum beyond the packet")
		}
		return [][]byte{p}
	}
	var segmenter tun.Segmenter
	if err := segmenter.Start(s.packet, s.pending); err != nil {
		t.Fatal(err)
	}
	for segmenter.Len() > 0 {
		b := make([]byte, segmenter.HeaderLen())
		all = append(all, append(b, segmenter.Next(b)...))
	}
	return all
}

// flowOf returns the flow of a packet, whose order must be kept.
func flowOf(p []byte) string {
	start, proto := 20, p[9]
	if p[0]>>4 == 6 {
		start, proto = 40, p[6]
	}
	if proto == 1 {
		return "others"
	}
	return string(p[start:start+4]) + string(proto)
}
