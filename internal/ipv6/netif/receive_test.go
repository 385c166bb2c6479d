package netif

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vishvananda/netlink"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// packet makes a UDP datagram in IPv6.
func packet(source, destination netip.Addr, from, to uint16, hops byte, data string) []byte {
	udp := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, from), to)
	udp = binary.BigEndian.AppendUint16(udp, uint16(8+len(data)))
	udp = append(append(udp, 0, 0), data...)
	b := append([]byte{0x60, 0, 0, 0, 0, byte(len(udp)), 17, hops}, source.AsSlice()...)
	b = append(append(b, destination.AsSlice()...), udp...)
	sum := uint32(len(udp)) + 17
	for words := append(b[8:40:40], udp...); len(words) > 0; words = words[min(2, len(words)):] {
		sum += uint32(words[0]) << 8
		if len(words) > 1 {
			sum += uint32(words[1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[46:], ^uint16(sum))
	return b
}

// TestReceiveFrom: a server may answer from any of its addresses and ports, with any hop limit (RFC
// 8415 does not restrict them), to the client's address or to a group.
func TestReceiveFrom(t *testing.T) {
	own, peer := netip.MustParseAddr("fe80::2"), netip.MustParseAddr("fe80::1")
	labtest.InNamespace(t, func() error {
		device, err := tun.Open(tun.Config{Name: "ppp0"})
		if err != nil {
			return err
		}
		defer device.Close()
		link, err := netlink.LinkByName("ppp0")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetUp(link); err != nil {
			return err
		}
		a := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(own, 128)), Peer: ipNet(netip.PrefixFrom(peer, 128)), Scope: unix.RT_SCOPE_LINK, Flags: unix.IFA_F_NODAD}
		if err := netlink.AddrAdd(link, a); err != nil {
			return err
		}
		if err := awaitLocal(own); err != nil {
			return err
		}
		s, err := OpenUDP(Device{"ppp0", link.Attrs().Index}, 546)
		if err != nil {
			return err
		}
		defer s.Close()
		for _, c := range []struct {
			source string
			port   uint16
			hops   byte
		}{{"fe80::1", 547, 255}, {"fe80::99", 547, 255}, {"2001:db8:ffff::547", 547, 255}, {"fd00::1", 547, 255}, {"fe80::1", 1024, 255}, {"fe80::1", 547, 64}, {"fe80::1", 547, 1}} {
			for _, no := range []string{"::", "::1", "ff02::1"} {
				device.Write([][]byte{packet(netip.MustParseAddr(no), own, 547, 546, 255, "no")}, 0)
			}
			from := netip.AddrPortFrom(netip.MustParseAddr(c.source), c.port)
			if _, err := device.Write([][]byte{packet(from.Addr(), own, c.port, 546, c.hops, "yes")}, 0); err != nil {
				return err
			}
			s.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			d, err := s.Receive()
			if err != nil || string(d.Data) != "yes" || d.Peer != from {
				t.Errorf("of %v, hop limit %d, %v comes %q from %v", from, c.hops, err, d.Data, d.Peer)
			}
		}
		return nil
	})
}

// awaitLocal waits until the kernel delivers packets to an address, which is a little later than it
// sends from it.
func awaitLocal(a netip.Addr) error {
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		routes, err := netlink.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{Table: unix.RT_TABLE_LOCAL, Dst: ipNet(netip.PrefixFrom(a, 128))},
			netlink.RT_FILTER_TABLE|netlink.RT_FILTER_DST)
		if err == nil && len(routes) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%v is not local", a)
}

func TestUnicast(t *testing.T) {
	for text, want := range map[string]bool{"fe80::1": true, "2001:db8::1": true, "fd00::1": true, "::": false, "::1": false, "ff02::1": false, "ff05::1:3": false} {
		if got := unicast(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestSeconds: what the library truncates to 32 bits, for any size of int.
func TestSeconds(t *testing.T) {
	long := 1 << 31 * time.Second
	for _, c := range []struct {
		valid, preferred time.Duration
		wantV, wantP     uint32
	}{
		{0, 0, 1, 0}, {time.Second, 0, 1, 0}, {time.Second + 1, 1, 2, 1}, {100 * time.Second, 50 * time.Second, 100, 50},
		{lifetime.Infinity, 100 * time.Second, math.MaxUint32, 100}, {lifetime.Infinity, lifetime.Infinity, math.MaxUint32, math.MaxUint32},
		{long, 1, 1 << 31, 1}, {long - time.Second, long - time.Second, 1<<31 - 1, 1<<31 - 1},
	} {
		v, p := seconds(c.valid, c.preferred)
		if uint32(v) != c.wantV || uint32(p) != c.wantP {
			t.Errorf("valid for %v, preferred for %v: %d and %d", c.valid, c.preferred, uint32(v), uint32(p))
		}
	}
	// A valid lifetime that is negative in an int of 32 bits.
	for preferred, want := range map[time.Duration]uint32{0: 1, long: math.MaxInt32} {
		v, p := seconds(lifetime.Infinity, preferred)
		if v > 0 { // 64 bits
			want = uint32(preferred / time.Second)
		}
		if uint32(v) != math.MaxUint32 || uint32(p) != want {
			t.Errorf("preferred for %v of ever: %d and %d", preferred, uint32(v), uint32(p))
		}
	}
}
