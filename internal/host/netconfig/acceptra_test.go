package netconfig

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/ndp"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/pppoe"
)

// advertisement returns a Router Advertisement from the peer of agreed to all nodes.
func advertisement(t *testing.T) []byte {
	t.Helper()
	from, to := netip.MustParseAddr("fe80::1"), netip.MustParseAddr("ff02::1")
	icmp, err := ndp.MarshalMessageChecksum(&ndp.RouterAdvertisement{
		RouterLifetime: time.Hour,
		Options: []ndp.Option{&ndp.PrefixInformation{
			Prefix: netip.MustParseAddr("2001:db8:bad::"), PrefixLength: 64, OnLink: true, AutonomousAddressConfiguration: true,
			ValidLifetime: time.Hour, PreferredLifetime: time.Hour,
		}},
	}, from, to)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 40, 40+len(icmp))
	p[0], p[6], p[7] = 0x60, unix.IPPROTO_ICMPV6, 255
	binary.BigEndian.PutUint16(p[4:], uint16(len(icmp)))
	copy(p[8:], from.AsSlice())
	copy(p[24:], to.AsSlice())
	return append(p, icmp...)
}

// TestPeerRAIgnored: the kernel configures no address and no default route from the peer's Router
// Advertisement. Package ipv6 handles advertisements where that is wanted; a server's client, and
// a peer with option noipv6autoconf, must not attract this machine's traffic.
func TestPeerRAIgnored(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		var log bytes.Buffer
		h := &Configurer{Log: slog.New(slog.NewTextHandler(&log, nil))}
		dev := dial(t, h)
		const headroom = 64
		packet := append(make([]byte, headroom), advertisement(t)...)
		if n, err := dev.Write([][]byte{packet}, headroom); n != 1 || err != nil {
			t.Fatalf("%d packets taken, %v", n, err)
		}
		link, err := netlink.LinkByName(dev.Name())
		if err != nil {
			t.Fatal(err)
		}
		if got := link.Attrs().Statistics; got.RxPackets == 0 {
			t.Fatal("the kernel has not seen the advertisement")
		}
		addrs, err := netlink.AddrList(link, netlink.FAMILY_V6)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addrs {
			if strings.HasPrefix(a.IP.String(), "2001:db8:bad:") {
				t.Errorf("the peer has given this machine %v", a.IPNet)
			}
		}
		routes, err := kernelRoutes(netlink.FAMILY_V6, func(r *kernelRoute) bool { return r.header.Dst_len == 0 && r.table == unix.RT_TABLE_MAIN })
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			t.Errorf("the peer is this machine's way out: %v", r)
		}
		h.Close(pppoe.SessionInfo{Device: dev.Name()}, agreed)
	})
}
