package tun

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// coalesce adds packets of one owner to a Coalescer, and returns what Flush yields.
func coalesce(packets ...[]byte) []coalesced {
	var m Coalescer[int]
	for _, p := range packets {
		m.Add(1, withRoom(p), room, false, true)
	}
	return flush(&m)
}

// TestUDPLengthOfItsOwn: a datagram whose length differs from that of its IP packet is not
// coalesced: the GSO packet has one length for both.
func TestUDPLengthOfItsOwn(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		for _, length := range []int{-1, 1} {
			for which := range 2 {
				a, b := segmentPair(t, protoUDP, v6)
				p := [][]byte{a, b}[which]
				field := p[len(p)-104:] // after the ports, before 100 octets
				binary.BigEndian.PutUint16(field, uint16(108+length))
				setChecksum(a)
				setChecksum(b)
				if got := coalesce(a, b); len(got) != 2 || !bytes.Equal(got[0].packet, a) || !bytes.Equal(got[1].packet, b) {
					t.Errorf("IPv6 %v: with %d octets more, packet %d is flushed as one of %d packets", v6, length, which, len(got))
				}
			}
		}
	}
}

// TestNotOvertaken: a packet that cannot be coalesced keeps its position in its flow: no later
// packet is appended to an earlier one.
func TestNotOvertaken(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		start := 20
		if v6 {
			start = 40
		}
		shorten := func(p []byte, header int) []byte {
			p = bytes.Clone(p[:start+header])
			if v6 {
				binary.BigEndian.PutUint16(p[4:], uint16(header))
			} else {
				binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
			}
			return p
		}
		for what, between := range map[string]func(a []byte) []byte{
			"an empty datagram": func(a []byte) []byte {
				p := shorten(a, udpHeader)
				binary.BigEndian.PutUint16(p[start+4:], udpHeader)
				setChecksum(p)
				return p
			},
			"a datagram without a checksum": func(a []byte) []byte {
				p := bytes.Clone(a)
				copy(p[start+udpChecksum:], []byte{0, 0})
				return p
			},
			"a truncated datagram": func(a []byte) []byte { return bytes.Clone(a[:len(a)-1]) },
		} {
			a, b := segmentPair(t, protoUDP, v6)
			p := between(a)
			if got := coalesce(a, p, b); len(got) != 3 || !bytes.Equal(got[1].packet, p) || !bytes.Equal(got[2].packet, b) {
				t.Errorf("IPv6 %v, %s: flushed as %d packets", v6, what, len(got))
			}
		}
		for what, between := range map[string]func(a []byte) []byte{
			"a bare acknowledgement": func(a []byte) []byte { p := shorten(a, tcpHeader); setChecksum(p); return p },
			"a truncated TCP header": func(a []byte) []byte { return shorten(a, tcpHeader-1) },
			"ports and no more":      func(a []byte) []byte { return shorten(a, udpHeader) },
			"a reset":                func(a []byte) []byte { p := bytes.Clone(a); p[start+13] |= 0x04; setChecksum(p); return p },
		} {
			a, b := segmentPair(t, protoTCP, v6)
			p := between(a)
			if got := coalesce(a, p, b); len(got) != 3 || !bytes.Equal(got[1].packet, p) || !bytes.Equal(got[2].packet, b) {
				t.Errorf("IPv6 %v, %s: flushed as %d packets", v6, what, len(got))
			}
		}
	}
}

// TestTooShortToClassify: packets with a truncated header are not changed.
func TestTooShortToClassify(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		for _, proto := range []byte{protoTCP, protoUDP} {
			a, _ := segmentPair(t, proto, v6)
			for n := 1; n < len(a)-100; n++ {
				p := a[:n:n]
				if got := coalesce(p, p); len(got) != 2 || !bytes.Equal(got[0].packet, p) || !bytes.Equal(got[1].packet, p) {
					t.Errorf("IPv6 %v, protocol %d: %d octets twice are flushed as %d packets", v6, proto, n, len(got))
				}
			}
		}
	}
}

// stream returns the segments of a TCP connection with payloads of these lengths.
func stream(v6 bool, lengths ...int) (all [][]byte) {
	src, dst := "192.0.2.1", "192.0.2.2"
	if v6 {
		src, dst = "2001:db8::1", "2001:db8::2"
	}
	seq := uint32(1000)
	for i, n := range lengths {
		data := randomData(protoTCP, n)
		copy(data[:tcpHeader], []byte{0, 80, 0, 90, 0, 0, 0, 0, 0, 0, 0, 1, 5 << 4, 0x10, 1, 0, 0, 0, 0, 0})
		binary.BigEndian.PutUint32(data[4:], seq)
		seq += uint32(n)
		p := withPendingChecksum(src, dst, protoTCP, protoTCP, nil, data)
		if !v6 {
			binary.BigEndian.PutUint16(p[4:], uint16(i))
		}
		setChecksum(p)
		all = append(all, p)
	}
	return all
}

func repeat(n, length int, more ...int) (lengths []int) {
	for range n {
		lengths = append(lengths, length)
	}
	return append(lengths, more...)
}

// TestGSOPacketBounds: the largest GSO packet, and one more: 65,535 octets (Total Length, RFC 791
// section 3.1), and 64 segments.
func TestGSOPacketBounds(t *testing.T) {
	for _, c := range []struct {
		what    string
		v6      bool
		lengths []int
		want    []int // number of packets in each GSO packet
	}{
		{"65,535 octets", false, repeat(44, 1460, 65535-40-44*1460), []int{45}},
		{"65,536 octets", false, repeat(44, 1460, 65536-40-44*1460), []int{44, 1}},
		{"65,535 octets of IPv6", true, repeat(44, 1460, 65535-60-44*1460), []int{45}},
		{"65,536 octets of IPv6", true, repeat(44, 1460, 65536-60-44*1460), []int{44, 1}},
		{"64 segments", false, repeat(64, 100), []int{64}},
		{"65 segments", false, repeat(65, 100), []int{64, 1}},
		{"a shorter one is the last", false, []int{100, 99, 100}, []int{2, 1}},
		{"of one length", false, []int{100, 100, 100}, []int{3}},
		{"a longer one is another's first", false, []int{100, 101, 101}, []int{1, 2}},
	} {
		var got []int
		for _, g := range coalesce(stream(c.v6, c.lengths...)...) {
			got = append(got, g.packets)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: GSO packets of %v packets, want %v", c.what, got, c.want)
		}
	}
}

// TestGSOPacketHeaders: the length of the headers that must be contiguous; of a packet that is not
// parsed, its whole length.
func TestGSOPacketHeaders(t *testing.T) {
	icmp := stream(false, 100)[0]
	icmp[9] = 1
	udp, _ := segmentPair(t, protoUDP, true)
	for what, c := range map[string]struct {
		packet []byte
		want   int
	}{
		"ICMP":        {icmp, 140},
		"TCP":         {stream(false, 100)[0], 40},
		"TCP of IPv6": {stream(true, 100)[0], 60},
		"UDP of IPv6": {udp, 48},
	} {
		var m Coalescer[int]
		m.Add(1, withRoom(c.packet), room, false, true)
		m.Flush(func(_ int, s *GSOPacket) {
			if s.Headers != c.want {
				t.Errorf("%s: headers of %d octets, want %d", what, s.Headers, c.want)
			}
		})
	}
}
