package tun

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// withPendingChecksum returns an IP packet with a segment whose checksum is pending: the field
// holds the sum of the pseudo-header. headers are between the fixed IP header and the segment: IPv4
// options, or IPv6 extension headers; next is the type of the first.
func withPendingChecksum(src, dst string, proto, next byte, headers, data []byte) []byte {
	s, d := netip.MustParseAddr(src), netip.MustParseAddr(dst)
	var p []byte
	if s.Is4() {
		p = make([]byte, 12, 20)
		p[0], p[8], p[9] = 0x45+byte(len(headers)/4), 64, proto
		binary.BigEndian.PutUint16(p[2:], uint16(20+len(headers)+len(data)))
	} else {
		p = make([]byte, 8, 40)
		p[0], p[6], p[7] = 0x60, next, 64
		binary.BigEndian.PutUint16(p[4:], uint16(len(headers)+len(data)))
	}
	p = append(append(p, s.AsSlice()...), d.AsSlice()...)
	data = bytes.Clone(data)
	copy(pseudoField(proto, data), referenceSum(pseudo(s, d, proto, len(data))))
	return append(append(p, headers...), data...)
}

// pseudoField returns the checksum field of a segment.
func pseudoField(proto byte, data []byte) []byte {
	if proto == protoTCP {
		return data[16:18]
	}
	return data[6:8]
}

func pseudo(src, dst netip.Addr, proto byte, length int) []byte {
	b := append(src.AsSlice(), dst.AsSlice()...)
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	return binary.BigEndian.AppendUint32(b, uint32(proto))
}

// referenceSum sums octet by octet.
func referenceSum(b []byte) []byte {
	var s uint32
	for i, octet := range b {
		s += uint32(octet) << (8 - i%2*8)
		s = s&0xffff + s>>16
	}
	return []byte{byte(s >> 8), byte(s)}
}

// checksumRight reports whether the checksum of a segment is right: with the pseudo-header it sums
// to ones.
func checksumRight(src, dst string, proto byte, data []byte) bool {
	p := pseudo(netip.MustParseAddr(src), netip.MustParseAddr(dst), proto, len(data))
	return bytes.Equal(referenceSum(append(p, data...)), []byte{0xff, 0xff})
}

// randomData returns a TCP or UDP segment with a payload of n octets.
func randomData(proto byte, n int) []byte {
	head := map[byte]int{protoTCP: 20, protoUDP: 8}[proto]
	data := make([]byte, head+n)
	for i := range data {
		data[i] = byte(i*37 + n)
	}
	return data
}

// forms are the headers that may precede a segment, by its protocol, with the type of the first.
var forms = []struct {
	what, src, dst string
	headers        func(proto byte) (next byte, headers []byte)
}{
	{"IPv4", "192.0.2.1", "198.51.100.7", func(byte) (byte, []byte) { return 0, nil }},
	{"IPv4 with options", "192.0.2.1", "198.51.100.7", func(byte) (byte, []byte) {
		return 0, []byte{7, 7, 4, 0, 0, 0, 0, 0}
	}},
	{"IPv6", "2001:db8::1", "2001:db8:ffff::2", func(p byte) (byte, []byte) { return p, nil }},
	{"IPv6 with hop-by-hop options", "2001:db8::1", "2001:db8:ffff::2", func(p byte) (byte, []byte) {
		return protoHopByHop, []byte{p, 0, 1, 4, 0, 0, 0, 0}
	}},
	{"IPv6 with hop-by-hop and long destination options", "2001:db8::1", "2001:db8:ffff::2", func(p byte) (byte, []byte) {
		return protoHopByHop, append([]byte{protoOptions, 0, 1, 4, 0, 0, 0, 0, p, 1, 1, 12}, make([]byte, 12)...)
	}},
}

func TestCompleteChecksum(t *testing.T) {
	for _, f := range forms {
		for _, proto := range []byte{protoTCP, protoUDP} {
			for _, size := range []int{0, 1, 2, 3, 7, 24, 25, 31, 32, 33, 1451} {
				next, headers := f.headers(proto)
				data := randomData(proto, size)
				packet := withPendingChecksum(f.src, f.dst, proto, next, headers, data)
				start, end := len(packet)-len(data), len(packet)
				got := append(bytes.Clone(packet), "padding"...)
				if !CompleteChecksum(got) || !checksumRight(f.src, f.dst, proto, got[start:end]) {
					t.Errorf("%s, protocol %d, %d octets: the checksum is not right: % x", f.what, proto, size, got)
				}
				if CompleteChecksum(bytes.Clone(got)) {
					t.Errorf("%s, protocol %d, %d octets: completed twice", f.what, proto, size)
				}
				copy(pseudoField(proto, got[start:]), pseudoField(proto, packet[start:]))
				if !bytes.Equal(got, append(packet, "padding"...)) {
					t.Errorf("%s, protocol %d, %d octets: more than the checksum was changed", f.what, proto, size)
				}
			}
		}
	}
}

// TestLeftAlone: packets without a pending checksum of TCP or UDP are not changed.
func TestLeftAlone(t *testing.T) {
	good4 := withPendingChecksum("192.0.2.1", "192.0.2.2", protoUDP, 0, nil, randomData(protoUDP, 9))
	good6 := withPendingChecksum("2001:db8::1", "2001:db8::2", protoTCP, protoTCP, nil, randomData(protoTCP, 9))
	with := func(p []byte, at int, octets ...byte) []byte {
		p = bytes.Clone(p)
		copy(p[at:], octets)
		return p
	}
	chain := bytes.Repeat([]byte{protoOptions, 0, 1, 4, 0, 0, 0, 0}, maxExtensions)
	for what, packet := range map[string][]byte{
		"the first fragment":                 with(good4, 6, 0x20, 0),
		"a later fragment":                   with(good4, 6, 0, 1),
		"a header length below the least":    with(good4, 0, 0x44),
		"a header longer than the packet":    with(good4, 0, 0x4f),
		"a packet said to be longer than is": with(good4, 2, 0, byte(len(good4)+1)),
		"a packet said to have no end":       with(good4, 2, 0, 19),
		"ICMP":                               with(good4, 9, 1),
		"IP of version 5":                    with(good4, 0, 0x55),
		"UDP without a checksum":             with(good4, 26, 0, 0),
		"a checksum that is another":         with(good4, 26, good4[26]+1),
		"an IPv6 fragment":                   with(good6, 6, 44),
		"an IPv6 length beyond the packet":   with(good6, 4, 0, byte(len(good6)-39)),
		"extension headers without end":      withPendingChecksum("2001:db8::1", "2001:db8::2", protoUDP, protoOptions, chain, randomData(protoUDP, 0)),
		"a truncated extension header":       with(with(good6, 6, protoHopByHop), 40, protoTCP, 64),
		"nothing":                            nil,
	} {
		before := bytes.Clone(packet)
		if CompleteChecksum(packet) || !bytes.Equal(packet, before) {
			t.Errorf("%s: was changed", what)
		}
	}
	for _, good := range [][]byte{good4, good6} {
		for n := range good {
			if CompleteChecksum(bytes.Clone(good[:n])) {
				t.Errorf("the first %d octets of a packet of %d: completed", n, len(good))
			}
		}
		if !CompleteChecksum(good) {
			t.Error("the packet that all these differ from was left alone: nothing is tested")
		}
	}
}

// TestRoutingHeader: the pseudo-header has the final destination of the route (RFC 8200 section
// 8.1), which the IPv6 header does not have yet.
func TestRoutingHeader(t *testing.T) {
	const src, final = "2001:db8::1", "2001:db8::f"
	last := netip.MustParseAddr(final).As16()
	route := append([]byte{protoTCP, 2, 2, 1, 0, 0, 0, 0}, last[:]...)
	packet := withPendingChecksum(src, final, protoTCP, protoRouting, route, randomData(protoTCP, 11))
	packet[39] = 0xaa // on its way to an intermediate node
	if !CompleteChecksum(packet) || !checksumRight(src, final, protoTCP, packet[40+len(route):]) {
		t.Errorf("the checksum of a packet with a Routing header is not right: % x", packet)
	}
}

// TestUDPZero: a UDP checksum of zero is sent as ones (RFC 768), that of TCP unchanged.
func TestUDPZero(t *testing.T) {
	for proto, want := range map[byte]uint16{protoUDP: 0xffff, protoTCP: 0} {
		packet := withPendingChecksum("192.0.2.1", "192.0.2.2", proto, 0, nil, randomData(proto, 2))
		at := len(packet) - 2
		packet[at], packet[at+1] = 0, 0
		// A payload with which the sum is ones, and so the checksum zero.
		binary.BigEndian.PutUint16(packet[at:], ^binary.BigEndian.Uint16(referenceSum(packet[20:])))
		if !CompleteChecksum(packet) {
			t.Fatalf("protocol %d: not completed", proto)
		}
		if got := binary.BigEndian.Uint16(pseudoField(proto, packet[20:])); got != want {
			t.Errorf("protocol %d: checksum %#04x, want %#04x", proto, got, want)
		}
	}
}

// TestSum compares sum with referenceSum for every length: of ones, which carry at each step, and
// of random octets.
func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 600 {
		b := bytes.Repeat([]byte{0xff}, n)
		for range 20 {
			if got, want := fold(sum(b)), binary.BigEndian.Uint16(referenceSum(b)); got != want {
				t.Fatalf("sum of % x is %#x, want %#x", b, got, want)
			}
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		}
	}
}

// FuzzCompleteChecksum: in any octets at most the two of the checksum change, and it is right then.
func FuzzCompleteChecksum(f *testing.F) {
	for _, form := range forms {
		for _, proto := range []byte{protoTCP, protoUDP} {
			next, headers := form.headers(proto)
			f.Add(withPendingChecksum(form.src, form.dst, proto, next, headers, randomData(proto, 5)))
		}
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		after := bytes.Clone(packet)
		changed := CompleteChecksum(after)
		first, last := len(packet), -1
		for i := range packet {
			if packet[i] != after[i] {
				first, last = min(first, i), i
			}
		}
		switch {
		case !changed && last >= 0:
			t.Errorf("changed, and said no: % x", packet)
		case last-first > 1:
			t.Errorf("octets %d to %d were changed", first, last)
		}
		if s := parseTransport(after); changed && s.addresses != nil {
			whole := fold(sum(s.addresses) + uint64(s.proto) + uint64(len(s.data)) + sum(s.data))
			if whole != 0xffff {
				t.Errorf("the checksum is wrong: % x", after)
			}
		}
	})
}

func TestChecksumsDoNotAllocate(t *testing.T) {
	packet := withPendingChecksum("192.0.2.1", "192.0.2.2", protoTCP, 0, nil, randomData(protoTCP, 1452))
	open := bytes.Clone(packet[36:38])
	p := FindPendingChecksum(packet)
	if !p.Checksum {
		t.Fatal("FindPendingChecksum does not find the checksum")
	}
	if n := testing.AllocsPerRun(100, func() {
		copy(packet[36:], open)
		FindPendingChecksum(packet)
		p.Complete(packet)
		copy(packet[36:], open)
		CompleteChecksum(packet)
	}); n != 0 {
		t.Errorf("a checksum costs %v allocations", n)
	}
}

func BenchmarkCompleteChecksum(b *testing.B) {
	packet := withPendingChecksum("192.0.2.1", "192.0.2.2", protoTCP, 0, nil, randomData(protoTCP, 1452))
	open := bytes.Clone(packet[36:38])
	b.ReportAllocs()
	b.SetBytes(int64(len(packet)))
	for b.Loop() {
		copy(packet[36:], open)
		CompleteChecksum(packet)
	}
}
