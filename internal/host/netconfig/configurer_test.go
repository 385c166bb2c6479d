package netconfig

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

var agreed = pppoe.Addressing{
	MTU: 1492,
	IPv4: ipcp.Agreement{
		Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
		DNS: [2]netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.54")},
	},
	IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 2}, Remote: ipv6cp.ID{7: 1}},
}

// inNamespace runs a test in a new network namespace.
func inNamespace[T testing.TB](t T, f func(t T)) {
	t.Helper()
	roottest.Need(t)
	n, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.Do(func() error { f(t); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestConfigure(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		resolv := filepath.Join(t.TempDir(), "resolv.conf")
		var log bytes.Buffer
		h := &Configurer{DefaultRoute: true, ResolvConf: resolv, Log: slog.New(slog.NewTextHandler(&log, nil))}
		dev, err := h.Open(pppoe.SessionInfo{})
		if err != nil {
			t.Fatal(err)
		}
		info := pppoe.SessionInfo{Device: dev.Name()}
		if err := h.Configure(info, pppoe.Addressing{}, agreed); err != nil {
			t.Fatal(err)
		}
		link, err := netlink.LinkByName("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		if a := link.Attrs(); a.MTU != 1492 || a.EncapType != "ppp" || a.RawFlags&1 == 0 {
			t.Errorf("ppp0 has MTU %d, type %s, flags %#x; want 1492, ppp, up", a.MTU, a.EncapType, a.RawFlags)
		}
		wantAddresses(t, link, "192.0.2.10/32 peer 192.0.2.1/32 scope 0", "fe80::2/128 peer fe80::1/128 scope 253")
		if got, err := defaultRoute(); got != "through ppp0" || err != nil {
			t.Errorf("the default route goes %q, %v", got, err)
		}
		if text, _ := os.ReadFile(resolv); string(text) != "nameserver 192.0.2.53\nnameserver 192.0.2.54\n" {
			t.Errorf("resolv.conf holds %q", text)
		}
		only6 := agreed
		only6.IPv4 = ipcp.Agreement{}
		if err := h.Configure(info, agreed, only6); err != nil {
			t.Fatal(err)
		}
		wantAddresses(t, link, "fe80::2/128 peer fe80::1/128 scope 253")
		dev.Close()
		h.Close(info, agreed)
		if _, err := os.Stat(resolv); !os.IsNotExist(err) {
			t.Errorf("resolv.conf is left behind: %v", err)
		}
		if _, err := netlink.LinkByName("ppp0"); err == nil {
			t.Error("ppp0 is left behind")
		}
	})
}

// TestPreUp: PreUp is called for each IPv4 agreement, when its addresses are set, before routes
// are and, at first, before the device is up.
func TestPreUp(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		var seen []string
		h := &Configurer{DefaultRoute: true, Log: slog.New(slog.DiscardHandler)}
		h.PreUp = func(l pppoe.SessionInfo, want pppoe.Addressing) {
			link, err := netlink.LinkByName(l.Device)
			if err != nil {
				t.Fatal(err)
			}
			addrs, _ := netlink.AddrList(link, netlink.FAMILY_V4)
			if len(addrs) != 1 || addrs[0].IP.String() != want.IPv4.Local.String() {
				t.Errorf("with %v wanted, the addresses are %v", want.IPv4.Local, addrs)
			}
			route, _ := defaultRoute()
			seen = append(seen, fmt.Sprintf("%v up=%d %s", want.IPv4.Local, link.Attrs().RawFlags&1, route))
		}
		other, only6, none := agreed, agreed, pppoe.Addressing{}
		other.IPv4.Local, only6.IPv4 = netip.MustParseAddr("192.0.2.11"), ipcp.Agreement{}
		for id, wishes := range [][]pppoe.Addressing{{agreed, other, only6}, {only6, agreed}} {
			dev, err := h.Open(pppoe.SessionInfo{SessionID: uint16(id)})
			if err != nil {
				t.Fatal(err)
			}
			info, have := pppoe.SessionInfo{SessionID: uint16(id), Device: dev.Name()}, none
			for _, want := range wishes {
				if err := h.Configure(info, have, want); err != nil {
					t.Fatal(err)
				}
				have = want
			}
			dev.Close()
			h.Close(info, have)
		}
		want := []string{"192.0.2.10 up=0 ", "192.0.2.11 up=1 ", "192.0.2.10 up=1 "}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %q, want %q", seen, want)
		}
	})
}

// defaultRoute describes the IPv4 default route; empty: there is none.
func defaultRoute() (string, error) {
	routes, err := kernelRoutes(netlink.FAMILY_V4, func(r *kernelRoute) bool { return r.header.Dst_len == 0 && r.table == unix.RT_TABLE_MAIN })
	if len(routes) == 0 {
		return "", err
	}
	return routes[0].String(), err
}

func wantAddresses(t *testing.T, link netlink.Link, want ...string) {
	t.Helper()
	addrs, err := netlink.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range addrs {
		peer := ""
		if a.Peer != nil {
			peer = a.Peer.String()
		}
		got = append(got, a.IPNet.String()+" peer "+peer+" scope "+netlink.Scope(a.Scope).String())
	}
	// Wanted scopes are numbers, those of the kernel are names.
	text := strings.NewReplacer("scope universe", "scope 0", "scope link", "scope 253").Replace(strings.Join(got, "; "))
	if text != strings.Join(want, "; ") {
		t.Errorf("addresses are %s; want %s", text, strings.Join(want, "; "))
	}
}

// TestExistingDefaultRoute: it is kept, and the log says so.
func TestExistingDefaultRoute(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		var log bytes.Buffer
		first := &Configurer{Name: "first", DefaultRoute: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
		second := &Configurer{Name: "second", DefaultRoute: true, Log: first.Log}
		for _, h := range []*Configurer{first, second} {
			dev, err := h.Open(pppoe.SessionInfo{})
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			if err := h.Configure(pppoe.SessionInfo{Device: dev.Name()}, pppoe.Addressing{}, agreed); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := defaultRoute(); got != "through first" || !strings.Contains(log.String(), "not replacing existing default route through first") {
			t.Errorf("the default route goes %s; the log says %s", got, &log)
		}
	})
}

// setSysctl sets a sysctl in the thread's namespace.
func setSysctl(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}
