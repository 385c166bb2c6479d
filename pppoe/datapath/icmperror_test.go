package datapath

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	router4 = netip.MustParseAddr("192.0.2.254")
	router6 = netip.MustParseAddr("2001:db8::fe")
)

// packet4 returns an IPv4 packet between two hosts, with a valid header.
func packet4(proto byte, payload ...byte) []byte {
	b := []byte{0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, proto, 0, 0, 198, 51, 100, 7, 192, 0, 2, 1}
	b = append(b, payload...)
	return withHeaderChecksum(b)
}

// withHeaderChecksum sets the length and the checksum of an IPv4 header.
func withHeaderChecksum(b []byte) []byte {
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	b[10], b[11] = 0, 0
	binary.BigEndian.PutUint16(b[10:], ^foldSum(sumWords(0, b[:b[0]&0xf*4])))
	return b
}

// packet6 returns an IPv6 packet between two hosts.
func packet6(next byte, payload ...byte) []byte {
	b := append([]byte{0x60, 0, 0, 0, 0, byte(len(payload)), next, 64}, make([]byte, 32)...)
	binary.BigEndian.PutUint16(b[4:], uint16(len(payload)))
	copy(b[8:], netip.MustParseAddr("2001:db8:9::9").AsSlice())
	copy(b[24:], netip.MustParseAddr("2001:db8:1::1").AsSlice())
	return append(b, payload...)
}

// edited returns a copy of a packet with octets at an offset replaced.
func edited(packet []byte, at int, octets ...byte) []byte {
	b := bytes.Clone(packet)
	copy(b[at:], octets)
	return b
}

var udpPayload = []byte{0x10, 0, 0, 53, 0, 9, 0x77, 0x77, 0xaa}

// TestICMPErrors: the errors are those of the RFCs, octet by octet.
func TestICMPErrors(t *testing.T) {
	e := newICMPErrors(router4, router6)
	const (
		quoted4 = "4500001d 12340000 40117c60 c6336407 c0000201 10000035 00097777 aa"
		quoted6 = "60000000 00091140 20010db8 00090000 00000000 00000009 20010db8 00010000 00000000 00000001 10000035 00097777 aa"
	)
	for _, c := range []struct {
		what string
		got  []byte
		want string
	}{
		{"host unreachable", e.appendUnreachable(nil, packet4(17, udpPayload...), 0),
			"45c00039 00004000 40014ccb c00002fe c6336407" + "0301cb48 00000000" + quoted4},
		{"fragmentation needed", e.appendTooBig(nil, packet4(17, udpPayload...), 1454, 0),
			"45c00039 00004000 40014ccb c00002fe c6336407" + "0304c597 000005ae" + quoted4},
		{"address unreachable", e.appendUnreachable(nil, packet6(17, udpPayload...), 0),
			"60000000 00393a40 20010db8 00000000 00000000 000000fe 20010db8 00090000 00000000 00000009" + "0103a381 00000000" + quoted6},
		{"packet too big", e.appendTooBig(nil, packet6(17, udpPayload...), 1454, 0),
			"60000000 00393a40 20010db8 00000000 00000000 000000fe 20010db8 00090000 00000000 00000009" + "02009cd6 000005ae" + quoted6},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
		if err != nil || !bytes.Equal(c.got, want) {
			t.Errorf("%s:\n% x, want\n% x %v", c.what, c.got, want, err)
		}
		checkICMP(t, c.got)
	}
}

// checkICMP fails the test unless an ICMP packet has the right lengths and checksums.
func checkICMP(t *testing.T, b []byte) {
	t.Helper()
	if b[0]>>4 == 4 {
		if int(binary.BigEndian.Uint16(b[2:])) != len(b) || foldSum(sumWords(0, b[:20])) != 0xffff || foldSum(sumWords(0, b[20:])) != 0xffff {
			t.Errorf("invalid: % x", b)
		}
		return
	}
	pseudo := sumWords(uint32(len(b)-40)+58, b[8:40])
	if 40+int(binary.BigEndian.Uint16(b[4:])) != len(b) || foldSum(sumWords(pseudo, b[40:])) != 0xffff {
		t.Errorf("invalid: % x", b)
	}
}

// TestICMPErrorLength: an error quotes as much of the packet as fits 576 octets (IPv4) or 1280
// (IPv6), without what follows the packet's own length, behind what the buffer has.
func TestICMPErrorLength(t *testing.T) {
	e := newICMPErrors(router4, router6)
	for _, c := range []struct {
		packet       []byte
		length, want int
	}{
		{packet4(17, make([]byte, 1400)...), 1420, 576},
		{packet6(17, make([]byte, 1400)...), 1440, 1280},
		{packet4(17, make([]byte, 528)...), 548, 576},
		{append(packet4(17, make([]byte, 100)...), make([]byte, 50)...), 170, 28 + 120},
		{append(packet6(17, make([]byte, 100)...), make([]byte, 50)...), 190, 48 + 140},
	} {
		if got := e.appendUnreachable([]byte("room"), c.packet, 0); len(got) != 4+c.want || string(got[:4]) != "room" {
			t.Errorf("of %d octets: the error has %d, want %d", c.length, len(got)-4, c.want)
		}
	}
}

// TestNoICMPError: which packets get an error.
func TestNoICMPError(t *testing.T) {
	udp4, udp6 := packet4(17, udpPayload...), packet6(17, udpPayload...)
	hopByHop := []byte{58, 0, 1, 4, 0, 0, 0, 0}
	for _, c := range []struct {
		what                string
		packet              []byte
		unreachable, tooBig bool
	}{
		{"UDP", udp4, true, true},
		{"with DF", edited(udp4, 6, 0x40), true, true},
		{"a first fragment", edited(udp4, 6, 0x20, 0), true, true},
		{"a later fragment", edited(udp4, 6, 0, 1), false, false},
		{"an echo request", packet4(1, 8, 0, 0, 0), true, true},
		{"an echo reply", packet4(1, 0, 0, 0, 0), true, true},
		{"an unreachable", packet4(1, 3, 1, 0, 0), false, false},
		{"a source quench", packet4(1, 4, 0, 0, 0), false, false},
		{"a redirect", packet4(1, 5, 0, 0, 0), false, false},
		{"a time exceeded", packet4(1, 11, 0, 0, 0), false, false},
		{"a parameter problem", packet4(1, 12, 0, 0, 0), false, false},
		{"an empty ICMP message", packet4(1), false, false},
		{"from no address", edited(udp4, 12, 0, 0, 0, 0), false, false},
		{"from loopback", edited(udp4, 12, 127, 0, 0, 1), false, false},
		{"from a multicast group", edited(udp4, 12, 224, 0, 0, 1), false, false},
		{"from broadcast", edited(udp4, 12, 255, 255, 255, 255), false, false},
		{"to a multicast group", edited(udp4, 16, 239, 1, 2, 3), false, false},
		{"to broadcast", edited(udp4, 16, 255, 255, 255, 255), false, false},
		{"with a short header", edited(udp4, 0, 0x44), false, false},
		{"longer than it is", edited(udp4, 2, 0, 30), false, false},
		{"shorter than its header", edited(udp4, 2, 0, 19), false, false},
		{"of version 5", edited(udp4, 0, 0x55), false, false},

		{"IPv6 UDP", udp6, true, true},
		{"an echo request", packet6(58, 128, 0, 0, 0), true, true},
		{"an echo request with a Hop-by-Hop header", packet6(0, append(hopByHop, 128, 0, 0, 0)...), true, true},
		{"an ICMPv6 error", packet6(58, 1, 0, 0, 0), false, false},
		{"an ICMPv6 error with a Hop-by-Hop header", packet6(0, append(hopByHop, 2, 0, 0, 0)...), false, false},
		{"an unassigned ICMPv6 error", packet6(58, 127, 0, 0, 0), false, false},
		{"a Redirect", packet6(58, 137, 0, 0, 0), false, false},
		{"an empty ICMPv6 message", packet6(58), false, false},
		{"a first fragment", packet6(44, append([]byte{17, 0, 0, 1, 0, 0, 0, 1}, udpPayload...)...), true, true},
		{"a later fragment", packet6(44, append([]byte{58, 0, 0, 8, 0, 0, 0, 1}, udpPayload...)...), false, false},
		{"with a truncated extension header", packet6(0, 58, 1, 0, 0, 0, 0, 0, 0), false, false},
		{"from the unspecified address", edited(udp6, 8, make([]byte, 16)...), false, false},
		{"from a multicast group", edited(udp6, 8, 0xff, 0x0e), false, false},
		{"to a multicast group", edited(udp6, 24, 0xff, 0x0e), false, true},
		{"longer than it is", edited(udp6, 5, 10), false, false},
		{"nothing", nil, false, false},
	} {
		e := newICMPErrors(router4, router6)
		if got := len(e.appendUnreachable(nil, c.packet, 0)) > 0; got != c.unreachable {
			t.Errorf("%s: unreachable is sent: %v, want %v", c.what, got, c.unreachable)
		}
		if got := len(e.appendTooBig(nil, c.packet, 1400, 0)) > 0; got != c.tooBig {
			t.Errorf("%s: too big is sent: %v, want %v", c.what, got, c.tooBig)
		}
		none := newICMPErrors(netip.Addr{}, netip.Addr{})
		if len(none.appendUnreachable(nil, c.packet, 0)) > 0 || len(none.appendTooBig(nil, c.packet, 1400, 0)) > 0 {
			t.Errorf("%s: an error is sent from no address", c.what)
		}
	}
}

// TestICMPErrorLimit: 50 errors at once, and then 1,000 a second. Packets that get no error take
// none.
func TestICMPErrorLimit(t *testing.T) {
	e := newICMPErrors(router4, router6)
	count := func(n int, at time.Duration, packet []byte) (sent int) {
		for range n {
			sent += min(1, len(e.appendUnreachable(nil, packet, instant(at))))
		}
		return sent
	}
	count(1000, 0, packet4(1, 3, 1, 0, 0))
	if got := count(1000, 0, packet4(17, udpPayload...)); got != icmpErrorsBurst {
		t.Errorf("%d errors at once", got)
	}
	if got := count(1000, 0, packet6(17, udpPayload...)); got != 0 {
		t.Errorf("%d more in the same instant", got)
	}
	if got := count(1000, 10*time.Millisecond, packet6(17, udpPayload...)); got != 10 {
		t.Errorf("%d errors after 10 ms, want 10", got)
	}
}

func TestICMPErrorNoAllocation(t *testing.T) {
	e, b := newICMPErrors(router4, router6), make([]byte, 0, maxICMP6)
	packets, now := [][]byte{packet4(17, udpPayload...), packet6(17, udpPayload...)}, instant(0)
	if n := testing.AllocsPerRun(100, func() {
		now += instant(time.Second)
		for _, p := range packets {
			b = e.appendTooBig(e.appendUnreachable(b[:0], p, now), p, 1400, now)
		}
	}); n != 0 || len(b) == 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzICMPErrors: any packet gets a valid error or none, and an error gets none.
func FuzzICMPErrors(f *testing.F) {
	f.Add(packet4(17, udpPayload...))
	f.Add(packet6(17, udpPayload...))
	f.Add(packet6(0, 58, 0, 1, 4, 0, 0, 0, 0, 128, 0, 0, 0))
	f.Add(packet6(44, 17, 0, 0, 1, 0, 0, 0, 1))
	f.Fuzz(func(t *testing.T, packet []byte) {
		e := newICMPErrors(router4, router6)
		for _, b := range [][]byte{e.appendUnreachable(nil, packet, 0), e.appendTooBig(nil, packet, 1400, 0)} {
			if len(b) == 0 {
				continue
			}
			checkICMP(t, b)
			if len(e.appendUnreachable(nil, b, 0)) > 0 || len(e.appendTooBig(nil, b, 1400, 0)) > 0 {
				t.Errorf("an error gets an error: % x", b)
			}
		}
	})
}
