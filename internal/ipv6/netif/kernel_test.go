package netif

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vishvananda/netlink"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/roottest"
	"upppoe/test/lab/labtest"
)

var now = time.Now()

// inNamespace runs a test in its own namespace with ppp0, which has MTU 1492 and a route to its
// peer only, and lan0, both up.
func inNamespace(t *testing.T, f func(k *Kernel)) {
	t.Helper()
	roottest.Need(t, "ip")
	labtest.InNamespace(t, func() error {
		ip(t, "tuntap", "add", "ppp0", "mode", "tun")
		ip(t, "link", "set", "ppp0", "mtu", "1492", "up")
		ip(t, "address", "add", "fe80::2", "peer", "fe80::1", "dev", "ppp0", "nodad")
		ip(t, "link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
		ip(t, "link", "set", "lan0", "up")
		ip(t, "link", "set", "lan1", "up")
		k, err := Open()
		if err != nil {
			return err
		}
		defer k.Close()
		f(k)
		return nil
	})
}

func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func apply(t *testing.T, k *Kernel, s Config) {
	t.Helper()
	if err := k.Apply(now, s); err != nil {
		t.Fatal(err)
	}
}

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// wantShown checks that ip(8) shows a line with this beginning.
func wantShown(t *testing.T, want string, args ...string) {
	t.Helper()
	got := ip(t, args...)
	for line := range strings.Lines(got) {
		if strings.HasPrefix(strings.TrimSpace(line), want) {
			return
		}
	}
	t.Errorf("ip %s shows\n%s, want %s", strings.Join(args, " "), got, want)
}

func wantNotShown(t *testing.T, what string, args ...string) {
	t.Helper()
	if got := ip(t, args...); strings.Contains(got, what) {
		t.Errorf("ip %s shows\n%s, want no %s", strings.Join(args, " "), got, what)
	}
}

// TestWaitLocalRoute: an address that is set, one that is not, and one that is set meanwhile.
func TestWaitLocalRoute(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		d, err := k.Find("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		const patience = time.Minute
		for a, want := range map[string]bool{"fe80::2": true, "fe80::1": false, "fe80::3": false, "2001:db8::1": false} {
			limit := patience
			if !want {
				limit = 0
			}
			if got := k.WaitLocalRoute(d, netip.MustParseAddr(a), limit); got != want {
				t.Errorf("packets to %s are delivered: %v", a, got)
			}
		}
		other, err := Open()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		link, err := other.handle.LinkByName("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		added := make(chan error)
		go func() {
			added <- other.handle.AddrAdd(link, &netlink.Addr{IPNet: ipNet(pfx("fe80::3/128")), Flags: unix.IFA_F_NODAD})
		}()
		if !k.WaitLocalRoute(d, netip.MustParseAddr("fe80::3"), patience) {
			t.Error("packets to fe80::3 are not delivered")
		}
		if err := <-added; err != nil {
			t.Error(err)
		}
	})
}

func TestAddresses(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		s := NewConfig()
		key := AddressKey{"ppp0", pfx("2001:db8::5/64")}
		s.Addresses[key] = Address{Lifetime: lifetime.New(now, 100*time.Second, lifetime.Infinity)}
		s.Addresses[AddressKey{"lan0", pfx("2001:db8:1::1/64")}] = Address{Lifetime: lifetime.New(now, 0, 50*time.Second), Shared: true}
		apply(t, k, s)
		wantShown(t, "inet6 2001:db8::5/64 scope global nodad noprefixroute", "address", "show", "dev", "ppp0")
		wantShown(t, "valid_lft forever preferred_lft 100sec", "address", "show", "dev", "ppp0")
		wantShown(t, "inet6 2001:db8:1::1/64 scope global", "address", "show", "dev", "lan0")
		wantShown(t, "valid_lft 50sec preferred_lft 0sec", "address", "show", "dev", "lan0")
		wantNotShown(t, "2001:db8", "-6", "route")
		s.Addresses[key] = Address{Lifetime: lifetime.New(now, 200*time.Second, 300*time.Second)}
		apply(t, k, s)
		wantShown(t, "valid_lft 300sec preferred_lft 200sec", "address", "show", "dev", "ppp0")
		apply(t, k, NewConfig())
		wantNotShown(t, "2001:db8", "-6", "address")
	})
}

// TestExpiredAddress: an address that is about to expire must not become permanent.
func TestExpiredAddress(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		s := NewConfig()
		s.Addresses[AddressKey{"ppp0", pfx("2001:db8::5/64")}] = Address{Lifetime: lifetime.New(now, 0, 0)}
		apply(t, k, s)
		wantNotShown(t, "forever", "-6", "address", "show", "dev", "ppp0", "scope", "global")
	})
}

func TestRoutes(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		s := NewConfig()
		all := RouteKey{To: pfx("::/0"), Device: "ppp0"}
		s.Routes[all] = Route{}
		s.Routes[RouteKey{To: pfx("2001:db8:100::/56"), Metric: 7}] = Route{}
		s.Routes[RouteKey{To: pfx("2001:db8::/64"), Metric: 50, Table: 100, Device: "ppp0"}] = Route{}
		apply(t, k, s)
		wantShown(t, "default dev ppp0 proto ra metric 1024", "-6", "route")
		wantShown(t, "unreachable 2001:db8:100::/56 dev lo proto ra metric 7", "-6", "route")
		wantShown(t, "2001:db8::/64 dev ppp0 proto ra metric 50", "-6", "route", "show", "table", "100")
		// A router whose address is not the peer's; an MTU above the device's.
		s.Routes[all] = Route{Gateway: netip.MustParseAddr("fe80::99"), MTU: 1400}
		apply(t, k, s)
		wantShown(t, "default via fe80::99 dev ppp0 proto ra metric 1024 onlink", "-6", "route")
		if got := ip(t, "-6", "route", "show", "default"); !strings.Contains(got, " mtu 1400 ") {
			t.Errorf("the default route is %s", got)
		}
		s.Routes[all] = Route{Gateway: netip.MustParseAddr("fe80::99"), MTU: 1500}
		apply(t, k, s)
		wantNotShown(t, "mtu", "-6", "route", "show", "default")
		if got := ip(t, "-6", "route", "show", "default"); strings.Count(got, "default") != 1 {
			t.Errorf("default routes are %s", got)
		}
		apply(t, k, NewConfig())
		wantNotShown(t, "ra", "-6", "route", "show", "table", "all")
	})
}

// TestForeignRouteKept: also when ours changes and when ours is removed.
func TestForeignRouteKept(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		ip(t, "-6", "route", "add", "default", "dev", "lan0", "metric", "50")
		s := NewConfig()
		key := RouteKey{To: pfx("::/0"), Metric: 50, Device: "ppp0"}
		s.Routes[key] = Route{}
		if err := k.Apply(now, s); !errors.Is(err, ErrRouteExists) || !strings.Contains(err.Error(), "::/0 through ppp0 metric 50") {
			t.Errorf("%v", err)
		}
		ip(t, "-6", "route", "del", "default", "dev", "lan0", "metric", "50")
		apply(t, k, s)
		ip(t, "-6", "route", "append", "default", "dev", "lan0", "metric", "50")
		s.Routes[key] = Route{Gateway: netip.MustParseAddr("fe80::1")}
		if err := k.Apply(now, s); !errors.Is(err, ErrRouteExists) {
			t.Errorf("%v", err)
		}
		apply(t, k, NewConfig())
		wantShown(t, "default dev lan0 metric 50", "-6", "route")
	})
}

// TestVerify: only what another program has removed is set again.
func TestVerify(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		s := NewConfig()
		s.Addresses[AddressKey{"ppp0", pfx("2001:db8::5/64")}] = Address{Lifetime: lifetime.New(now, time.Hour, time.Hour)}
		s.Routes[RouteKey{To: pfx("::/0"), Device: "ppp0"}] = Route{Gateway: netip.MustParseAddr("fe80::1")}
		s.Routes[RouteKey{To: pfx("2001:db8:100::/56"), Metric: 7}] = Route{}
		apply(t, k, s)
		verify := func(addresses, routes int) {
			t.Helper()
			if err := k.Verify(); err != nil || len(k.actual.Addresses) != addresses || len(k.actual.Routes) != routes {
				t.Errorf("%v, there are %d addresses and %d routes, want %d and %d", err, len(k.actual.Addresses), len(k.actual.Routes), addresses, routes)
			}
			apply(t, k, s)
		}
		verify(1, 2)
		ip(t, "-6", "route", "del", "unreachable", "2001:db8:100::/56")
		verify(1, 1)
		ip(t, "address", "del", "2001:db8::5/64", "dev", "ppp0")
		verify(0, 2)
		ip(t, "link", "set", "ppp0", "down")
		ip(t, "link", "set", "ppp0", "up")
		verify(0, 1)
		verify(1, 2)
	})
}

// applyAndDelete configures ppp0, deletes it, and returns the configuration.
func applyAndDelete(t *testing.T, k *Kernel) Config {
	t.Helper()
	s := NewConfig()
	s.Addresses[AddressKey{"ppp0", pfx("2001:db8::5/64")}] = Address{}
	s.Routes[RouteKey{To: pfx("::/0"), Device: "ppp0"}] = Route{}
	apply(t, k, s)
	ip(t, "link", "del", "ppp0")
	return s
}

// TestInterfaceGone: a removed interface takes its configuration with it; a nonexistent one is
// named.
func TestInterfaceGone(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		s := applyAndDelete(t, k)
		apply(t, k, NewConfig())
		err := k.Apply(now, s)
		if err == nil || !strings.Contains(err.Error(), "ppp0: ") || !strings.Contains(err.Error(), "::/0 through ppp0") {
			t.Errorf("%v", err)
		}
	})
}

// TestInterfaceNameReused: another interface with the name of a removed one is left alone.
func TestInterfaceNameReused(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		applyAndDelete(t, k)
		ip(t, "tuntap", "add", "ppp0", "mode", "tun")
		ip(t, "link", "set", "ppp0", "up")
		ip(t, "address", "add", "2001:db8::5/64", "dev", "ppp0", "nodad")
		ip(t, "-6", "route", "add", "default", "dev", "ppp0", "proto", "ra")
		apply(t, k, NewConfig())
		wantShown(t, "inet6 2001:db8::5/64", "-6", "address", "show", "dev", "ppp0")
		wantShown(t, "default dev ppp0", "-6", "route")
	})
}

// TestRules: packets from the session look up its table, after the main table's routes other than
// the default. An existing rule is no error.
func TestRules(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		ip(t, "-6", "rule", "add", "from", "2001:db8:100::/56", "lookup", "100", "priority", "10000")
		s := NewConfig()
		s.Rules[Rule{pfx("2001:db8:100::/56"), 100}] = true
		s.Routes[RouteKey{To: pfx("::/0"), Device: "ppp0", Table: 100}] = Route{}
		s.Routes[RouteKey{To: pfx("2001:db8:9::/64"), Device: "lan0"}] = Route{}
		apply(t, k, s)
		apply(t, k, s)
		wantShown(t, "9999:\tfrom 2001:db8:100::/56 lookup main suppress_prefixlength 0", "-6", "rule")
		wantShown(t, "10000:\tfrom 2001:db8:100::/56 lookup 100", "-6", "rule")
		ip(t, "-6", "route", "add", "default", "dev", "lan0")
		for to, device := range map[string]string{"2001:db8:5::1": "ppp0", "2001:db8:9::1": "lan0"} {
			got := ip(t, "-6", "route", "get", to, "from", "2001:db8:100::1", "iif", "lan1")
			if !strings.Contains(got, "dev "+device) {
				t.Errorf("the route to %s is %s", to, got)
			}
		}
		apply(t, k, NewConfig())
		wantNotShown(t, "2001:db8", "-6", "rule")
	})
}

// TestPortPermission: the error says how to be permitted a port below 1024.
func TestPortPermission(t *testing.T) {
	err := openError(os.NewSyscallError("bind", unix.EACCES), "[::]:547")
	for _, want := range []string{"[::]:547", "CAP_NET_BIND_SERVICE", "net.ipv4.ip_unprivileged_port_start=0"} {
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not contain %s", err, want)
		}
	}
}

func TestSockets(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		d, err := k.Find("lan0")
		if err != nil {
			t.Fatal(err)
		}
		first, err := OpenUDP(d, 546)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		if _, err := OpenUDP(d, 546); !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), "end that DHCPv6 program") {
			t.Errorf("%v", err)
		}
		// The same port on another interface is free.
		other, err := k.Find("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		second, err := OpenUDP(other, 546)
		if err != nil {
			t.Fatal(err)
		}
		second.Close()
		if _, err := second.Receive(); err == nil {
			t.Error("a closed socket receives")
		}
		if _, err := k.Find("none"); err == nil || !strings.HasPrefix(err.Error(), "none: ") {
			t.Errorf("%v", err)
		}
	})
}

// TestDisableAutoconf: what the kernel configured from advertisements is removed, permanent
// addresses are kept.
func TestDisableAutoconf(t *testing.T) {
	inNamespace(t, func(k *Kernel) {
		ip(t, "address", "add", "2001:db8::5/64", "dev", "ppp0", "valid_lft", "100", "preferred_lft", "100", "nodad")
		ip(t, "address", "add", "2001:db8::6/64", "dev", "ppp0", "nodad")
		ip(t, "-6", "route", "add", "default", "via", "fe80::1", "dev", "ppp0", "proto", "ra")
		ip(t, "-6", "route", "add", "2001:db8:9::/64", "dev", "ppp0")
		d, err := k.Find("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		if err := k.DisableAutoconf(d); err != nil {
			t.Fatal(err)
		}
		wantNotShown(t, "2001:db8::5", "-6", "address")
		wantNotShown(t, "default", "-6", "route")
		wantShown(t, "inet6 2001:db8::6/64", "-6", "address")
		wantShown(t, "2001:db8:9::/64 dev ppp0", "-6", "route")
		if out, err := exec.Command("cat", "/proc/sys/net/ipv6/conf/ppp0/accept_ra").Output(); err != nil || string(out) != "0\n" {
			t.Errorf("accept_ra is %q, %v", out, err)
		}
		if _, err := netlink.LinkByName("ppp0"); err != nil {
			t.Error(err)
		}
	})
}
