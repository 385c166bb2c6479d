package reader

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// tzsp returns a message with a frame; tags are before the last.
func tzsp(kind byte, link uint16, tags []byte, frame []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{1, kind}, link)
	return append(append(append(b, tags...), tzspEnd), frame...)
}

// datagram4 returns an IPv4 packet with UDP to a port; options are of IP, fragment is that field of the header.
func datagram4(port, fragment uint16, options, payload []byte) []byte {
	n := 20 + len(options)
	b := []byte{0x40 | byte(n/4), 0}
	b = binary.BigEndian.AppendUint16(b, uint16(n+8+len(payload)))
	b = binary.BigEndian.AppendUint16(append(b, 0, 0), fragment)
	b = append(append(b, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2), options...)
	return append(append(b, udp(port, len(payload))...), payload...)
}

func datagram6(port uint16, payload []byte) []byte {
	b := binary.BigEndian.AppendUint16([]byte{0x60, 0, 0, 0}, uint16(8+len(payload)))
	b = append(append(b, 17, 64), make([]byte, 32)...)
	return append(append(b, udp(port, len(payload))...), payload...)
}

func udp(port uint16, n int) (b []byte) {
	for _, field := range []uint16{4000, port, uint16(8 + n), 0} {
		b = binary.BigEndian.AppendUint16(b, field)
	}
	return b
}

// onEthernet returns a frame with an ethertype, after tags.
func onEthernet(etherType uint16, tags, packet []byte) []byte {
	b := append(bytes.Repeat([]byte{2}, 12), tags...)
	return append(binary.BigEndian.AppendUint16(b, etherType), packet...)
}

// message is what RouterOS sends: without tags.
var message = tzsp(0, tzspEthernet, nil, ether)

// TestTZSP: the frame in a stream takes the place of the packet that carries it; others are left.
func TestTZSP(t *testing.T) {
	v4 := datagram4(tzspPort, 0, nil, message)
	padded := onEthernet(etherTypeIPv4, nil, append(bytes.Clone(v4), "padding"...))
	for name, c := range map[string]struct {
		link   LinkType
		packet []byte
		length int // of the frame on the wire; 0: there is none
	}{
		"IPv4":              {LinkEthernet, onEthernet(etherTypeIPv4, nil, v4), len(ether)},
		"IPv4 and padding":  {LinkEthernet, padded, len(ether)},
		"IPv4 with options": {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, make([]byte, 8), message)), len(ether)},
		"VLAN":              {LinkEthernet, onEthernet(etherTypeIPv4, []byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6}, v4), len(ether)},
		"IPv6":              {LinkEthernet, onEthernet(etherTypeIPv6, nil, datagram6(tzspPort, message)), len(ether)},
		"cooked":            {LinkSLL, append(append(bytes.Clone(sll[:14]), 8, 0), v4...), len(ether)},
		"cooked with VLAN":  {LinkSLL, append(append(bytes.Clone(sll[:14]), 0x81, 0, 0, 5, 8, 0), v4...), len(ether)},
		"cooked v2":         {LinkSLL2, append(append([]byte{8, 0}, sll2[2:20]...), v4...), len(ether)},
		"to be sent":        {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, nil, tzsp(1, tzspEthernet, nil, ether))), len(ether)},
		"tags":              {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, nil, tzsp(0, tzspEthernet, []byte{0, 10, 1, 200, 0, 41, 2, 0x05, 0xdc}, ether))), 1500},
		"first fragment":    {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0x2000, nil, message)[:60]), len(ether)},
		"later fragment":    {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0x2001, nil, message)), 0},
		"another port":      {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort-1, 0, nil, message)), 0},
		"another version":   {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, nil, append([]byte{2}, message[1:]...))), 0},
		"keep-alive":        {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, nil, tzsp(4, 0, nil, nil))), 0},
		"802.11":            {LinkEthernet, onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, nil, tzsp(0, 18, nil, ether))), 0},
		"three VLAN tags":   {LinkEthernet, onEthernet(etherTypeIPv4, bytes.Repeat([]byte{0x81, 0, 0, 5}, 3), v4), 0},
		"within PPPoE":      {LinkEthernet, onEthernet(0x8864, nil, append([]byte{0x11, 0, 0, 7, 0, 200, 0, 0x21}, v4...)), 0},
	} {
		p := Packet{Link: c.link, Data: bytes.Clone(c.packet), Length: len(c.packet)}
		p.decapsulate()
		switch {
		case c.length == 0 && (p.Streamed || !bytes.Equal(p.Data, c.packet)):
			t.Errorf("%s: % x of a stream", name, p.Data)
		case c.length > 0 && (!p.Streamed || p.Link != LinkEthernet || p.Length != c.length || !bytes.HasPrefix(ether, p.Data)):
			t.Errorf("%s: %+v", name, p)
		case c.length > 0 && p.Truncated() != (c.length > len(p.Data)):
			t.Errorf("%s: %d octets of %d", name, len(p.Data), p.Length)
		}
	}
}

// TestShortTZSP: what is cut anywhere is a shorter frame or none.
func TestShortTZSP(t *testing.T) {
	for _, whole := range [][]byte{
		onEthernet(etherTypeIPv4, []byte{0x81, 0, 0, 5}, datagram4(tzspPort, 0, make([]byte, 4), tzsp(0, 1, []byte{0, 41, 2, 1, 2}, ether))),
		onEthernet(etherTypeIPv6, nil, datagram6(tzspPort, message)),
	} {
		for n := range whole {
			p := Packet{Link: LinkEthernet, Data: whole[:n], Length: len(whole)}
			if p.decapsulate(); p.Streamed && (len(p.Data) < etherHeader || !bytes.HasPrefix(ether, p.Data) || !p.Truncated()) {
				t.Errorf("%d octets: % x", n, p.Data)
			}
		}
	}
}

func FuzzTZSP(f *testing.F) {
	f.Add(uint16(LinkEthernet), onEthernet(etherTypeIPv4, nil, datagram4(tzspPort, 0, nil, message)))
	f.Add(uint16(LinkEthernet), onEthernet(etherTypeIPv6, []byte{0x81, 0, 0, 5}, datagram6(tzspPort, message)))
	f.Add(uint16(LinkSLL), slices.Concat(sll[:14], []byte{8, 0}, datagram4(tzspPort, 0, nil, message)))
	f.Add(uint16(LinkSLL2), slices.Concat([]byte{8, 0}, sll2[2:20], datagram4(tzspPort, 0, nil, message)))
	f.Fuzz(func(t *testing.T, link uint16, b []byte) {
		p := Packet{Link: LinkType(link), Data: b, Length: len(b)}
		p.decapsulate()
		if p.Streamed && (len(p.Data) < etherHeader || len(p.Data) > p.Length || !bytes.HasSuffix(b, p.Data) && !bytes.Contains(b, p.Data)) {
			t.Errorf("% x of % x", p.Data, b)
		}
	})
}
