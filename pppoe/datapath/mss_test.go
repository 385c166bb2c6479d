package datapath

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"upppoe/tun"
)

// usualLimit is the limit of a session with the usual MTU.
var usualLimit = NewMSSLimit(1492, 0)

func TestNewMSSLimit(t *testing.T) {
	for _, c := range []struct{ mtu, bound, ipv4, ipv6 int }{
		{1492, 0, 1452, 1432},
		{1500, 0, 1460, 1440},
		{1442, 0, 1402, 1382},
		{1492, 1412, 1412, 1392},
		{1492, 9000, 1452, 1432},
		{1492, int(^uint(0) >> 1), 1452, 1432},
		{1492, -1, 0, 0},
		{0, 0, 0, 0},
		{50, 0, 10, 1},
		{1 << 20, 0, 0xffff, 0xffff},
	} {
		if l := NewMSSLimit(c.mtu, c.bound); l.IPv4() != c.ipv4 || l.IPv6() != c.ipv6 {
			t.Errorf("MTU %d, bound %d: limits %d and %d, want %d and %d", c.mtu, c.bound, l.IPv4(), l.IPv6(), c.ipv4, c.ipv6)
		}
	}
}

// TestClampMSS: packets whose MSS of 1460 is lowered. The offset is that of the segment.
func TestClampMSS(t *testing.T) {
	const ack = 0x10
	plain := syn{flags: flagSYN, options: linuxOptions(1460)}.segment()
	hop := []byte{protoTCP, 0, 1, 4, 0, 0, 0, 0}
	for _, c := range []struct {
		what   string
		packet []byte
		at     int
		want   int
	}{
		{"SYN over IPv4", ipv4Packet(plain), 20, 1452},
		{"SYN over IPv6", ipv6Packet(plain, protoTCP), 40, 1432},
		{"SYN and ACK", ipv4Packet(syn{flags: flagSYN | ack, options: mss(1460)}.segment()), 20, 1452},
		{"SYN with data of odd length", ipv4Packet(syn{flagSYN, mss(1460), []byte("GET")}.segment()), 20, 1452},
		{"SYN with ECN flags", ipv4Packet(syn{flags: flagSYN | 0xc0, options: mss(1460)}.segment()), 20, 1452},
		{"IPv4 options", ipv4Packet(plain, 7, 7, 4, 0, 0, 0, 0, 0), 28, 1452},
		{"MSS at an odd place", ipv4Packet(syn{flags: flagSYN, options: append([]byte{optionNOP}, mss(1460)...)}.segment()), 20, 1452},
		{"MSS behind an option of two octets", ipv4Packet(syn{flags: flagSYN, options: append([]byte{4, 2}, mss(1460)...)}.segment()), 20, 1452},
		{"MSS behind an unknown option", ipv4Packet(syn{flags: flagSYN, options: append([]byte{77, 3, 9}, mss(1460)...)}.segment()), 20, 1452},
		{"MSS as the last of 40 octets", ipv4Packet(syn{flags: flagSYN, options: append(bytes.Repeat([]byte{optionNOP}, 36), mss(1460)...)}.segment()), 20, 1452},
		{"hop-by-hop options", ipv6Packet(plain, protoHopByHop, hop...), 48, 1432},
		{"routing and destination options", ipv6Packet(plain, protoRouting, append([]byte{protoOptions, 0, 4, 0, 0, 0, 0, 0}, append([]byte{protoTCP, 1, 1, 12}, make([]byte, 12)...)...)...), 64, 1432},
		{"a fragment header of a whole packet", ipv6Packet(plain, protoFragment, protoTCP, 0xff, 0, 0, 1, 2, 3, 4), 48, 1432},
		{"a first fragment over IPv6", ipv6Packet(plain, protoFragment, protoTCP, 0, 0, 1, 1, 2, 3, 4), 48, 1432},
	} {
		addresses := c.packet[8:40]
		if c.packet[0]>>4 == 4 {
			addresses = c.packet[12:20]
		}
		for _, open := range []bool{false, true} {
			before := slices.Clone(c.packet)
			if open {
				withPendingChecksum(before, c.at, addresses)
			}
			got := slices.Concat(before, []byte("padding"))
			want := slices.Concat(before, []byte("padding"))
			// The expected packet is made independently: the value replaced, the sum computed anew.
			at := c.at + bytes.Index(want[c.at:], mss(1460))
			copy(want[at:], mss(c.want))
			if !open {
				withChecksum(want[:len(before)], c.at, addresses)
			}
			if !clampMSS(got, usualLimit, open) || !bytes.Equal(got, want) {
				t.Errorf("%s, checksum pending %v:\n% x, want\n% x", c.what, open, got, want)
			}
			if clampMSS(got, usualLimit, open) {
				t.Errorf("%s: clamped twice", c.what)
			}
			// A packet with a pending checksum is never fragmented.
			if !open || strings.Contains(c.what, "fragment") {
				continue
			}
			if !tun.CompleteChecksum(got) || referenceSum(got[c.at:len(before)], addresses) != 0xffff {
				t.Errorf("%s: the checksum cannot be completed any more", c.what)
			}
		}
	}
}

// TestFirstFragment: a first fragment of IPv4 has the TCP header, but not the whole segment that
// the checksum covers.
func TestFirstFragment(t *testing.T) {
	whole := ipv4Packet(syn{flagSYN, mss(1460), make([]byte, 64)}.segment())
	first := slices.Clone(whole[:52])
	binary.BigEndian.PutUint16(first[2:], 52)
	first[6] = 0x20
	if !clampMSS(first, usualLimit, false) || !clampMSS(whole, usualLimit, false) {
		t.Fatal("left alone")
	}
	if !bytes.Equal(first[20:], whole[20:52]) {
		t.Errorf("the fragment has\n% x, want\n% x", first[20:], whole[20:52])
	}
}

// TestMSSOptionTwice: a receiver may use either.
func TestMSSOptionTwice(t *testing.T) {
	got := ipv4Packet(syn{flags: flagSYN, options: append(mss(1460), mss(9000)...)}.segment())
	want := ipv4Packet(syn{flags: flagSYN, options: append(mss(1452), mss(1452)...)}.segment())
	if !clampMSS(got, usualLimit, false) || !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
}

// TestMSSLeftAlone: packets without an MSS option, or whose MSS is low enough.
func TestMSSLeftAlone(t *testing.T) {
	with := func(p []byte, at int, octets ...byte) []byte {
		p = slices.Clone(p)
		copy(p[at:], octets)
		return p
	}
	options := func(o ...byte) []byte { return ipv4Packet(syn{flags: flagSYN, options: o}.segment()) }
	good4 := options(linuxOptions(1460)...)
	good6 := ipv6Packet(syn{flags: flagSYN, options: mss(1460)}.segment(), protoTCP)
	chain := bytes.Repeat([]byte{protoOptions, 0, 1, 4, 0, 0, 0, 0}, maxExtensions)
	for what, packet := range map[string][]byte{
		"as large as may be":               options(mss(1452)...),
		"smaller":                          options(mss(536)...),
		"zero":                             options(mss(0)...),
		"no options":                       options(),
		"no MSS":                           options(4, 2, 1, 1),
		"MSS behind the end of options":    options(append([]byte{optionEnd, 0, 0, 0}, mss(1460)...)...),
		"an option of length 0":            options(append([]byte{8, 0, 0, 0}, mss(1460)...)...),
		"an option of length 1":            options(append([]byte{8, 1}, mss(1460)...)...),
		"an option beyond the end":         options(append([]byte{8, 9}, mss(1460)...)...),
		"MSS beyond the end":               options(1, 1, optionMSS, 4),
		"MSS one octet beyond the end":     ipv4Packet(syn{flagSYN, []byte{1, optionMSS, 4, 0xff}, []byte{0xff}}.segment()),
		"an end that looks like an option": options(append([]byte{optionEnd, 4, 0, 0}, mss(1460)...)...),
		"a kind without length at the end": options(1, 1, 1, optionMSS),
		"MSS of length 3":                  options(optionMSS, 3, 0xff, 1),
		"MSS of length 6":                  options(optionMSS, 6, 0xff, 0xff, 0xff, 0xff),
		"no SYN":                           ipv4Packet(syn{flags: 0x10, options: mss(1460)}.segment()),
		"UDP":                              with(good4, 9, 17),
		"UDP over IPv6":                    with(good6, 6, 17),
		"a later fragment":                 with(good4, 6, 0, 1),
		"a later fragment over IPv6":       ipv6Packet(syn{flags: flagSYN, options: mss(1460)}.segment(), protoFragment, protoTCP, 0, 0, 8, 1, 2, 3, 4),
		"IP of version 5":                  with(good4, 0, 0x55),
		"a header length below the least":  with(good4, 0, 0x44),
		"a header longer than the packet":  with(good4, 0, 0x4f),
		"longer than it is":                with(good4, 2, 0, byte(len(good4)+1)),
		"shorter than its header":          with(good4, 2, 0, 19),
		"IPv6, longer than it is":          with(good6, 4, 0, byte(len(good6)-39)),
		"a TCP header below the least":     with(good4, 20+tcpOffset, 0x40),
		"a TCP header a word too long":     with(good4, 20+tcpOffset, byte(len(good4)-20+4)/4<<4),
		"a TCP header beyond the packet":   with(good4, 20+tcpOffset, 0xf0),
		"extension headers without end":    ipv6Packet(syn{flags: flagSYN, options: mss(1460)}.segment(), protoOptions, chain...),
		"a truncated extension header":     with(with(good6, 6, protoHopByHop), 40, protoTCP, 64),
		"encrypted":                        with(good6, 6, 50),
		"nothing":                          nil,
	} {
		before := slices.Clone(packet)
		if clampMSS(packet, usualLimit, false) || !bytes.Equal(packet, before) {
			t.Errorf("%s: was changed", what)
		}
	}
	for _, good := range [][]byte{good4, good6} {
		for n := range good {
			if clampMSS(slices.Clone(good[:n]), usualLimit, false) {
				t.Errorf("the first %d octets of a packet of %d: changed", n, len(good))
			}
		}
		if clampMSS(good, NewMSSLimit(1492, -1), false) {
			t.Error("clamped though there is no limit")
		}
		if !clampMSS(good, usualLimit, false) {
			t.Error("the packet that all these differ from was left alone: nothing is tested")
		}
	}
}

// TestMSSChecksum: the updated checksum of any segment equals a computed one.
func TestMSSChecksum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var options []byte
		for range rapid.IntRange(0, 8).Draw(t, "before") {
			options = append(options, optionNOP)
		}
		announced := rapid.IntRange(0, 0xffff).Draw(t, "MSS")
		options = append(options, mss(announced)...)
		segment := syn{flagSYN, options, rapid.SliceOfN(rapid.Byte(), 0, 99).Draw(t, "data")}.segment()
		copy(segment, rapid.SliceOfN(rapid.Byte(), 12, 12).Draw(t, "ports and numbers"))
		limit := NewMSSLimit(rapid.IntRange(61, 9000).Draw(t, "MTU"), 0)
		packet, at, most := ipv4Packet(segment), 20, limit.IPv4()
		addresses := packet[12:20]
		if rapid.Bool().Draw(t, "IPv6") {
			packet, at, most = ipv6Packet(segment, protoTCP), 40, limit.IPv6()
			addresses = packet[8:40]
		}
		changed := clampMSS(packet, limit, false)
		place := at + tcpHeader + len(options) - 2
		if got := int(binary.BigEndian.Uint16(packet[place:])); got != min(announced, most) || changed != (announced > most) {
			t.Fatalf("changed: %v, MSS %d; it was %d, the limit is %d", changed, got, announced, most)
		}
		got := binary.BigEndian.Uint16(packet[at+tcpChecksum:])
		if want := binary.BigEndian.Uint16(withChecksum(packet, at, addresses)[at+tcpChecksum:]); got != want {
			t.Fatalf("checksum %#04x, want %#04x", got, want)
		}
	})
}

// TestChecksumUpdate: the example of RFC 1624 section 4, and sums with two carries.
func TestChecksumUpdate(t *testing.T) {
	for _, c := range []struct{ check, was, is, want uint16 }{
		{0xdd2f, 0x5555, 0x3285, 0x0000},
		{0x0000, 0x0000, 0x0001, 0xfffe},
		{0x0000, 0x3285, 0x5555, 0xdd2f},
		{0x1234, 0x05b4, 0x05b4, 0x1234},
	} {
		if got := updateChecksum(c.check, c.was, c.is); got != c.want {
			t.Errorf("checksum %#04x, and %#04x becomes %#04x: %#04x, want %#04x", c.check, c.was, c.is, got, c.want)
		}
	}
}

// FuzzClampMSS: in any octets only MSS values and a checksum change, no value is raised, and a
// second call changes nothing.
func FuzzClampMSS(f *testing.F) {
	segment := syn{flags: flagSYN, options: linuxOptions(1460)}.segment()
	f.Add(ipv4Packet(segment), uint32(usualLimit))
	f.Add(ipv6Packet(segment, protoHopByHop, protoTCP, 0, 1, 4, 0, 0, 0, 0), uint32(usualLimit))
	f.Add(ipv4Packet(syn{flags: flagSYN, options: append([]byte{optionNOP}, mss(1460)...)}.segment()), uint32(usualLimit))
	f.Fuzz(func(t *testing.T, packet []byte, limit uint32) {
		after, open := slices.Clone(packet), slices.Clone(packet)
		changed := clampMSS(after, MSSLimit(limit), false)
		if clampMSS(open, MSSLimit(limit), true) != changed || changed == bytes.Equal(packet, open) {
			t.Fatalf("changed: %v: % x, was % x", changed, open, packet)
		}
		if slices.Compare(open, packet) > 0 {
			t.Errorf("an MSS was raised: % x, was % x", open, packet)
		}
		differ := 0
		for i := range open {
			if open[i] != after[i] {
				differ++
			}
		}
		if differ > 2 {
			t.Errorf("the checksum has two octets, but %d differ:\n% x\n% x", differ, open, after)
		}
		if clampMSS(after, MSSLimit(limit), false) {
			t.Errorf("clamped twice: % x", packet)
		}
	})
}

// TestPathClampsMSS: the path clamps in both directions from SetMSS on, to the limit set last.
func TestPathClampsMSS(t *testing.T) {
	p, device, f := newPlainEntry(t)
	announced := func(limit MSSLimit) (in, out int) {
		f.SetMSS(limit)
		frame := sessionFrame(hostAddr, 0x1234, 0x21, ipv4Packet(syn{flags: flagSYN, options: mss(1460)}.segment()), 4)
		if !p.deliver(frame, make([][]byte, 1), 0) {
			t.Fatal("the packet is not the data path's")
		}
		buf := make([]byte, maxTaggedLen+1500)
		n := copy(buf[maxTaggedLen:], ipv4Packet(syn{flags: flagSYN, options: mss(1460)}.segment()))
		sent := f.encapsulate(buf, n, 0)
		if sent == nil {
			t.Fatal("the packet may not go")
		}
		at := HeadersLen + 20 + tcpHeader + 2
		return int(binary.BigEndian.Uint16(frame.Data[at:])), int(binary.BigEndian.Uint16(sent[at:]))
	}
	for _, c := range []struct{ mtu, bound, want int }{{1492, -1, 1460}, {1492, 0, 1452}, {1400, 0, 1360}, {1492, 1412, 1412}} {
		if in, out := announced(NewMSSLimit(c.mtu, c.bound)); in != c.want || out != c.want {
			t.Errorf("MTU %d, bound %d: from the wire comes %d, to the wire goes %d; want %d", c.mtu, c.bound, in, out, c.want)
		}
	}
	if device.taken != 4 {
		t.Errorf("the device got %d packets, want 4", device.taken)
	}
}

// TestPendingChecksum: a SYN from this machine, over veth, has a complete checksum when it is
// written to the device.
func TestPendingChecksum(t *testing.T) {
	p, _, f := newPlainEntry(t)
	f.SetMSS(usualLimit)
	packet := ipv4Packet(syn{flags: flagSYN, options: linuxOptions(1460)}.segment())
	frame := sessionFrame(hostAddr, 0x1234, 0x21, withPendingChecksum(packet, 20, packet[12:20]), 0)
	frame.ChecksumPending = true
	p.deliver(frame, make([][]byte, 1), 0)
	want := ipv4Packet(syn{flags: flagSYN, options: linuxOptions(1452)}.segment())
	if got := frame.Data[HeadersLen:]; !bytes.Equal(got, want) {
		t.Errorf("the device gets\n% x, want\n% x", got, want)
	}
}

func BenchmarkClampMSS(b *testing.B) {
	data := syn{flags: 0x10, data: make([]byte, 1400)}.segment()
	udp := ipv4Packet(data)
	udp[9] = 17
	for _, c := range []struct {
		what   string
		packet []byte
	}{
		{"data", ipv4Packet(data)}, {"data6", ipv6Packet(data, protoTCP)}, {"udp", udp},
		{"syn", ipv4Packet(syn{flags: flagSYN, options: linuxOptions(1460)}.segment())},
	} {
		b.Run(c.what, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c.what == "syn" {
					copy(c.packet[20+tcpHeader:], mss1460)
				}
				clampMSS(c.packet, usualLimit, false)
			}
		})
	}
}

var mss1460 = mss(1460)

// TestClampAllocatesNothing: neither data nor a SYN allocates.
func TestClampAllocatesNothing(t *testing.T) {
	for what, packet := range map[string][]byte{
		"data": ipv4Packet(syn{flags: 0x10, data: make([]byte, 1400)}.segment()),
		"SYN":  ipv6Packet(syn{flags: flagSYN, options: linuxOptions(1460)}.segment(), protoTCP),
	} {
		at := 40 + tcpHeader
		if n := testing.AllocsPerRun(100, func() {
			if what == "SYN" {
				copy(packet[at:], mss1460)
			}
			clampMSS(packet, usualLimit, false)
		}); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}

// TestExtensionChain: TCP is found behind up to seven IPv6 extension headers.
func TestExtensionChain(t *testing.T) {
	segment := syn{flags: flagSYN, options: mss(1460)}.segment()
	for n, want := range map[int]bool{0: true, 1: true, 7: true, 8: false} {
		next, chain := byte(protoTCP), bytes.Repeat([]byte{protoOptions, 0, 1, 4, 0, 0, 0, 0}, n)
		if n > 0 {
			next, chain[8*(n-1)] = protoOptions, protoTCP
		}
		if got := clampMSS(ipv6Packet(segment, next, chain...), usualLimit, false); got != want {
			t.Errorf("behind %d extension headers: lowered %v, want %v", n, got, want)
		}
	}
}
