package datapath

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// packetFrom returns a packet with a source address, to one of the same family.
func packetFrom(source string) []byte {
	a := netip.MustParseAddr(source)
	if a.Is4() {
		p := make([]byte, 28)
		p[0], p[3], p[9] = 0x45, 28, 17
		copy(p[12:], a.AsSlice())
		return p
	}
	p := make([]byte, 48)
	p[0], p[5], p[6] = 0x60, 8, 17
	copy(p[8:], a.AsSlice())
	copy(p[24:], netip.MustParseAddr("2001:db8::1").AsSlice())
	return p
}

// packetFromUnspecified returns a packet from the unspecified IPv6 address.
func packetFromUnspecified(to string, next byte) []byte {
	return addressedTo(packetFrom("::"), to, next)
}

// addressedTo sets the destination and Next Header of an IPv6 packet.
func addressedTo(p []byte, to string, next byte) []byte {
	p[6] = next
	copy(p[24:], netip.MustParseAddr(to).AsSlice())
	return p
}

func prefixes(text ...string) (all []netip.Prefix) {
	for _, t := range text {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

func TestSourceFilterAllow(t *testing.T) {
	s := NewSourceFilter(prefixes("192.0.2.10/32", "198.51.100.77/29", "fe80::1/128", "2001:db8:1::/64", "2001:db8:100::/56", "2001:db8:f::f/80")...)
	for _, c := range []struct {
		what   string
		packet []byte
		ok     bool
	}{
		{"its address", packetFrom("192.0.2.10"), true},
		{"the next one", packetFrom("192.0.2.11"), false},
		{"the first of a prefix", packetFrom("198.51.100.72"), true},
		{"the last of a prefix", packetFrom("198.51.100.79"), true},
		{"the one behind a prefix", packetFrom("198.51.100.80"), false},
		{"no IPv4 address", packetFrom("0.0.0.0"), false},
		{"its link-local address", packetFrom("fe80::1"), true},
		{"another link-local address", packetFrom("fe80::2"), false},
		{"its identifier behind another prefix", packetFrom("2001:db8::1"), false},
		{"of its network", packetFrom("2001:db8:1::abcd:1"), true},
		{"of the next network", packetFrom("2001:db8:1:1::1"), false},
		{"of its delegated prefix", packetFrom("2001:db8:100:ff::1"), true},
		{"behind its delegated prefix", packetFrom("2001:db8:100:100::1"), false},
		{"of a prefix beyond 64 bits", packetFrom("2001:db8:f:0:1::1"), false},
		{"of a prefix beyond 64 bits, within it", packetFrom("2001:db8:f::ffff:1"), true},
		{"an IPv4-mapped IPv6 address", packetFrom("::ffff:192.0.2.10"), false},
		{"duplicate address detection", packetFromUnspecified("ff02::1:ff00:1", 58), true},
		{"a router solicitation from the unspecified address", packetFromUnspecified("ff02::2", 58), true},
		{"a multicast listener report from the unspecified address", packetFromUnspecified("ff02::16", 0), true},
		{"from an address whose second half is zero, to a router", addressedTo(packetFrom("2001:db8:5::"), "ff02::2", 58), false},
		{"from an address whose first half is zero, to a router", addressedTo(packetFrom("::5"), "ff02::2", 58), false},
		{"unspecified to unicast", packetFromUnspecified("2001:db8::1", 58), false},
		{"unspecified to a site-local group", packetFromUnspecified("ff05::2", 58), false},
		{"unspecified, not ICMPv6", packetFromUnspecified("ff02::1", 17), false},
		{"IPv4, truncated", packetFrom("192.0.2.10")[:19], false},
		{"IPv6, truncated", packetFrom("fe80::1")[:39], false},
		{"of no version", make([]byte, 60), false},
		{"nothing", nil, false},
	} {
		if got := s.allow(c.packet); got != c.ok {
			t.Errorf("%s: allowed %v, want %v", c.what, got, c.ok)
		}
	}
	if NewSourceFilter().allow(packetFrom("192.0.2.10")) || NewSourceFilter(netip.Prefix{}).allow(packetFrom("::1")) {
		t.Error("an empty filter allows a packet")
	}
	if !NewSourceFilter(prefixes("0.0.0.0/0")...).allow(packetFrom("203.0.113.1")) || !NewSourceFilter(prefixes("::/0")...).allow(packetFrom("2001:db8::7")) {
		t.Error("a filter of all addresses rejects a packet")
	}
}

// TestSourceFilterAgainstNetip compares with net/netip, for prefixes of all lengths.
func TestSourceFilterAgainstNetip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var a [16]byte
		binary.BigEndian.PutUint64(a[:], 0x20010db8<<32|r.Uint64()>>32)
		binary.BigEndian.PutUint64(a[8:], r.Uint64())
		b := a
		b[r.IntN(16)] ^= 1 << r.IntN(8)
		in, at := netip.AddrFrom16(a), netip.AddrFrom16(b)
		if r.IntN(2) == 0 {
			in, at = netip.AddrFrom4([4]byte(a[12:])), netip.AddrFrom4([4]byte(b[12:]))
		}
		p := netip.PrefixFrom(in, r.IntN(in.BitLen()+1))
		if got, want := NewSourceFilter(p).allow(packetFrom(at.String())), p.Contains(at); got != want {
			t.Fatalf("%v in %v: %v, want %v", at, p, got, want)
		}
	}
}

func TestSourceFilterPrefixes(t *testing.T) {
	s := NewSourceFilter(prefixes("192.0.2.10/32", "10.1.2.3/8", "0.0.0.0/0", "2001:db8::1/64", "fe80::1/128", "::/0")...)
	want := prefixes("192.0.2.10/32", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/64", "fe80::1/128", "::/0")
	if got := s.Prefixes(); !slices.Equal(got, want) {
		t.Errorf("prefixes %v, want %v", got, want)
	}
}

func BenchmarkAllow(b *testing.B) {
	s := NewSourceFilter(prefixes("192.0.2.10/32", "fe80::1/128", "2001:db8:1::/64", "2001:db8:100::/56")...)
	packet := packetFrom("2001:db8:100:ff::1")
	for b.Loop() {
		s.allow(packet)
	}
}
