package ipv6_test

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/ipv6"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/server"
	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// timeout bounds what the kernel may take: an advertisement that is lost is repeated after 16 s
// (RFC 4861 section 6.2.4).
const timeout = time.Minute

// TestClientAndServer: client and server over two devices of the kernel, from the first
// solicitation to the Release.
func TestClientAndServer(t *testing.T) {
	client, serverSide := newSession(t)
	far, err := lab.NewNamespace()
	check(t, err)
	defer far.Close()
	check(t, lab.Veth(lab.End{In: client.Namespace, Name: "lan0"}, lab.End{In: far, Name: "eth0", MAC: "02:00:5e:00:53:01"}))
	check(t, serverSide.Address("lo", "2001:db8:ffff::1/128"))
	check(t, client.Do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/all/forwarding", []byte("1"), 0) }))

	s := serverSide.serve(serverConfig(t))
	c := client.dial(clientConfig())
	got := c.await("address, prefix and LAN", func(s ipv6.State) bool {
		return len(s.Addresses) == 2 && len(s.Delegated) == 1 && len(s.LANs) == 1
	})
	if got.MTU != 1400 || len(got.NameServers) != 1 || !slices.Equal(got.SearchDomains, []string{"example.org"}) || !got.Managed || got.DefaultRoute.Gateway != serverSide.local {
		t.Errorf("the client reports %+v", got)
	}
	if a := client.addressText("ppp0"); a != "2001:db8:1::2/64 2001:db8:2::1/128" {
		t.Errorf("ppp0 has %s", a)
	}
	if a := client.addressText("lan0"); a != "2001:db8:100:3::1/64" {
		t.Errorf("lan0 has %s", a)
	}
	client.wantRoutes("2001:db8:100:3::/64 lan0, ::/0 via fe80::1 ppp0, unreachable 2001:db8:100::/56")
	serverSide.wantRoutes("2001:db8:100::/56 via fe80::2 ppp0, 2001:db8:1::/64 ppp0, 2001:db8:2::1/128 ppp0")

	// Packets pass in both directions, also to the LAN's address and to an unassigned one.
	_, err = client.Ping(netip.MustParseAddr("2001:db8:ffff::1"), 1, timeout)
	check(t, err)
	for _, a := range []string{"2001:db8:1::2", "2001:db8:2::1", "2001:db8:100:3::1"} {
		if _, err := serverSide.Ping(netip.MustParseAddr(a), 1, timeout); err != nil {
			t.Errorf("%s does not answer: %v", a, err)
		}
	}

	// A host on the LAN configures its own address, and reaches the server.
	_, err = far.Ping(netip.MustParseAddr("2001:db8:ffff::1"), 1, timeout)
	check(t, err)
	_, err = serverSide.Ping(netip.MustParseAddr("2001:db8:100:3:0:5eff:fe00:5301"), 1, timeout)
	check(t, err)

	// The leases are renewed: their lifetimes grow again.
	left := func() (seconds int) {
		for _, a := range client.addresses("ppp0") {
			if a.IPNet.String() == "2001:db8:2::1/128" {
				seconds = a.ValidLft
			}
		}
		return seconds
	}
	least := left()
	eventually(t, "the address is to be renewed", func() (bool, string) {
		now := left()
		least = min(least, now)
		return now > least, "still the same"
	})

	c.stop(nil)
	client.wantRoutes("")
	if a := client.addressText("ppp0") + client.addressText("lan0"); a != "" {
		t.Errorf("the client leaves %s", a)
	}
	s.await("release", func(s assign.State) bool { return !s.Address.IsValid() && !s.Delegated.IsValid() })
	serverSide.wantRoutes("2001:db8:1::/64 ppp0")
	s.stop(nil)
	serverSide.wantRoutes("")
}

// TestServerStops: its final advertisement removes the default route.
func TestServerStops(t *testing.T) {
	client, serverSide := newSession(t)
	s := serverSide.serve(serverConfig(t))
	cfg := clientConfig()
	cfg.RequestPrefix, cfg.LANs = false, nil
	c := client.dial(cfg)
	c.await("router", func(s ipv6.State) bool { return len(s.Routers) == 1 })
	s.stop(nil)
	c.await("no router", func(s ipv6.State) bool { return len(s.Routers) == 0 && s.DefaultRoute.Set })
	c.stop(ipv6.ErrLinkGone)
	client.wantRoutes("")
}

// TestLANAppearsLater: an interface gets its address when it appears, and again after it was down.
func TestLANAppearsLater(t *testing.T) {
	client, serverSide := newSession(t)
	s := serverSide.serve(serverConfig(t))
	c := client.dial(clientConfig())
	c.await("prefix", func(s ipv6.State) bool { return len(s.Delegated) == 1 })
	far, err := lab.NewNamespace()
	check(t, err)
	defer far.Close()
	check(t, lab.Veth(lab.End{In: client.Namespace, Name: "lan0"}, lab.End{In: far, Name: "eth0"}))
	has := func() (bool, string) {
		got := client.addressText("lan0")
		return got == "2001:db8:100:3::1/64", got
	}
	eventually(t, "lan0 wants an address", has)
	check(t, client.Do(func() error {
		link, err := netlink.LinkByName("lan0")
		if err != nil {
			return err
		}
		if err := netlink.LinkSetDown(link); err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	}))
	eventually(t, "lan0 wants its address back", has)
	c.stop(nil)
	s.stop(server.ErrLinkGone)
}

// TestForeignDefaultRoute: an existing default route is kept, and the client continues without its
// own.
func TestForeignDefaultRoute(t *testing.T) {
	client, serverSide := newSession(t)
	far, err := lab.NewNamespace()
	check(t, err)
	defer far.Close()
	check(t, lab.Veth(lab.End{In: client.Namespace, Name: "eth0"}, lab.End{In: far, Name: "eth0"}))
	check(t, client.Do(func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		_, all, _ := net.ParseCIDR("::/0")
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: all, Priority: 1024})
	}))
	s := serverSide.serve(serverConfig(t))
	cfg := clientConfig()
	var log strings.Builder
	cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	cfg.RequestPrefix, cfg.LANs = false, nil
	c := client.dial(cfg)
	c.await("address", func(s ipv6.State) bool { return len(s.Addresses) == 2 })
	client.wantRoutes("::/0 eth0")
	c.stop(nil)
	if !strings.Contains(log.String(), "::/0 through ppp0 metric 1024: another route has this destination and metric") {
		t.Errorf("the log says %s", &log)
	}
	s.stop(nil)
}

// TestKernelAutoconfRemoved: addresses and routes that the kernel made from advertisements are
// removed.
func TestKernelAutoconfRemoved(t *testing.T) {
	client, serverSide := newSession(t)
	cfg := serverConfig(t)
	cfg.Addresses, cfg.Preferred, cfg.Valid = nil, time.Hour, time.Hour
	s := serverSide.serve(cfg)
	eventually(t, "addresses and routes of the advertisement", func() (bool, string) {
		got := client.routes()
		return strings.Contains(got, "::/0 via fe80::1") && client.addressText("ppp0") != "", got
	})
	own := clientConfig()
	own.DefaultRoute, own.DeviceDefaultRoute, own.RequestPrefix, own.LANs = false, false, false, nil
	c := client.dial(own)
	c.await("address", func(s ipv6.State) bool { return len(s.Addresses) == 1 })
	client.wantRoutes("")
	if got := client.addressText("ppp0"); got != "2001:db8:1::2/64" {
		t.Errorf("ppp0 has %s", got)
	}
	c.stop(nil)
	if got := client.addressText("ppp0"); got != "" {
		t.Errorf("ppp0 has %s in the end", got)
	}
	s.stop(nil)
}

// TestAfterCrash: what a killed client leaves does not hinder the next one.
func TestAfterCrash(t *testing.T) {
	client, serverSide := newSession(t)
	check(t, client.Do(func() error {
		_, n, _ := net.ParseCIDR("2001:db8:100::/56")
		return netlink.RouteAdd(&netlink.Route{Dst: n, Type: unix.RTN_UNREACHABLE, Priority: 0x7fffffff, Protocol: unix.RTPROT_RA})
	}))
	s := serverSide.serve(serverConfig(t))
	cfg := clientConfig()
	cfg.LANs = nil
	c := client.dial(cfg)
	c.await("prefix", func(s ipv6.State) bool { return len(s.Delegated) == 1 })
	client.wantRoutes("::/0 via fe80::1 ppp0, unreachable 2001:db8:100::/56")
	c.stop(nil)
	client.wantRoutes("")
	s.stop(nil)
}

// TestNoDevice: the error names the device.
func TestNoDevice(t *testing.T) {
	roottest.Need(t)
	if err := ipv6.Run(t.Context(), clientConfig()); err == nil || !strings.HasPrefix(err.Error(), "IPv6 on ppp0: ") {
		t.Errorf("%v", err)
	}
	if err := server.Run(t.Context(), serverConfig(t)); err == nil || !strings.HasPrefix(err.Error(), "IPv6 server on ppp0: ") {
		t.Errorf("%v", err)
	}
}
