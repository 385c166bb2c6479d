package netconfig

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/tun"
)

// dial opens and configures ppp0 with all that was agreed.
func dial(t *testing.T, h *Configurer) tun.Device {
	t.Helper()
	h.Name = "ppp0"
	dev, err := h.Open(pppoe.SessionInfo{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	if err := h.Configure(pppoe.SessionInfo{Device: "ppp0"}, pppoe.Addressing{}, agreed); err != nil {
		t.Fatal(err)
	}
	return dev
}

// newLog returns a logger and its output.
func newLog() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, nil)), &b
}

// ip runs ip(8) in the thread's namespace.
func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// awaitPeerRoute waits for the route to the peer's link-local address, which the kernel adds in a work queue, after the
// address.
func awaitPeerRoute(t *testing.T, device string, a pppoe.Addressing) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(ip(t, "-6", "route", "show", "table", "all", "dev", device), a.IPv6.Remote.LinkLocal().String()+" "); {
		if time.Now().After(end) {
			t.Fatalf("there is no route to the peer of %s", device)
		}
	}
}

// TestInterfaceMatchesPPPD compares ip(8)'s output with that for pppd's interface. The queue
// length and queueing discipline are a TUN's. The link-local address is never tentative: the
// kernel could not send from it until duplicate address detection has ended.
func TestInterfaceMatchesPPPD(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		log, output := newLog()
		h := &Configurer{DefaultRoute: true, Log: log}
		dial(t, h)
		got := regexp.MustCompile(`^\d+: |(?m) +$`).ReplaceAllString(ip(t, "address", "show", "dev", "ppp0"), "")
		got = regexp.MustCompile(`qdisc \w+ state \w+ group default qlen \d+`).ReplaceAllString(got, "...")
		want := `ppp0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1492 ...
    link/ppp
    inet 192.0.2.10 peer 192.0.2.1/32 scope global ppp0
       valid_lft forever preferred_lft forever
    inet6 fe80::2 peer fe80::1/128 scope link nodad
       valid_lft forever preferred_lft forever
`
		if got != want {
			t.Errorf("ip address show says\n%s\nwant\n%s", got, want)
		}
		routes := strings.ReplaceAll(ip(t, "route", "show"), " \n", "\n")
		if want := "default dev ppp0 scope link\n192.0.2.1 dev ppp0 proto kernel scope link src 192.0.2.10\n"; routes != want {
			t.Errorf("ip route show says\n%s\nwant\n%s", routes, want)
		}
		awaitPeerRoute(t, "ppp0", agreed)
		if routes, want := ip(t, "-6", "route", "show"), "fe80::1 dev ppp0 proto kernel metric 256 pref medium\n"; routes != want {
			t.Errorf("ip -6 route show says\n%s\nwant\n%s", routes, want)
		}
		if output.Len() > 0 {
			t.Errorf("the log says %s; there is nothing to say", output)
		}
	})
}

// TestExistingDefaultRoutesKept: any existing default route stays, and the log describes it in
// pppd's words.
func TestExistingDefaultRoutesKept(t *testing.T) {
	roottest.Need(t, "ip")
	const why = "not replacing existing default route "
	for _, c := range []struct{ route, says string }{
		{"default via 10.0.0.1", why + "via 10.0.0.1"},
		{"default via 10.0.0.1 metric 100", why + "via 10.0.0.1"},
		{"default dev eth0 scope link", why + "through eth0"},
		{"default nexthop via 10.0.0.1 nexthop via 10.0.0.2", why + "via 10.0.0.1"},
		{"unreachable default metric 4278198272", why + "to nowhere"},
	} {
		inNamespace(t, func(t *testing.T) {
			ip(t, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
			ip(t, "address", "add", "10.0.0.9/24", "dev", "eth0")
			ip(t, "link", "set", "eth0", "up")
			ip(t, "link", "set", "eth1", "up")
			ip(t, append([]string{"route", "add"}, strings.Fields(c.route)...)...)
			before := ip(t, "route", "show", "default")
			log, output := newLog()
			dial(t, &Configurer{DefaultRoute: true, Log: log})
			if got := ip(t, "route", "show", "default"); got != before {
				t.Errorf("%s: the default route is now %s", c.route, got)
			}
			if !strings.Contains(output.String(), c.says) {
				t.Errorf("%s: the log says %q, want %q", c.route, output, c.says)
			}
		})
	}
}

// TestNewAddress: when the peer renegotiates, addresses and routes follow, and those that have
// been removed before do not matter.
func TestNewAddress(t *testing.T) {
	roottest.Need(t, "ip")
	for _, removed := range []bool{false, true} {
		inNamespace(t, func(t *testing.T) {
			log, output := newLog()
			h := &Configurer{DefaultRoute: true, Log: log}
			dial(t, h)
			link, err := netlink.LinkByName("ppp0")
			if err != nil {
				t.Fatal(err)
			}
			if removed {
				ip(t, "address", "flush", "dev", "ppp0")
			}
			next := agreed
			next.IPv4.Local, next.IPv4.Remote = next.IPv4.Local.Next(), next.IPv4.Remote.Next()
			next.IPv6.Local = ipv6cp.ID{7: 9}
			next.MTU = 1400
			if err := h.Configure(pppoe.SessionInfo{Device: "ppp0"}, agreed, next); err != nil {
				t.Fatal(err)
			}
			wantAddresses(t, link, "192.0.2.11/32 peer 192.0.2.2/32 scope 0", "fe80::9/128 peer fe80::1/128 scope 253")
			if now, _ := netlink.LinkByName("ppp0"); now.Attrs().MTU != 1400 {
				t.Errorf("the MTU is %d, want 1400", now.Attrs().MTU)
			}
			if got, err := defaultRoute(); got != "through ppp0" || err != nil || output.Len() > 0 {
				t.Errorf("the default route goes %q (%v), and the log says %q", got, err, output)
			}
		})
	}
}

// TestMTU: Configurer.MTU limits the negotiated MTU.
func TestMTU(t *testing.T) {
	for bound, want := range map[int]int{0: 1492, 1500: 1492, 1280: 1280} {
		inNamespace(t, func(t *testing.T) {
			log, _ := newLog()
			dial(t, &Configurer{MTU: bound, Log: log})
			if link, err := netlink.LinkByName("ppp0"); err != nil || link.Attrs().MTU != want {
				t.Errorf("bound to %d, the MTU is not %d: %+v %v", bound, want, link.Attrs(), err)
			}
		})
	}
}

// TestWithoutIPv6: where IPv6 is disabled, as in many containers, IPv4 is configured and the log
// says why IPv6 is not.
func TestWithoutIPv6(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		log, output := newLog()
		dial(t, &Configurer{Log: log})
		link, err := netlink.LinkByName("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		wantAddresses(t, link, "192.0.2.10/32 peer 192.0.2.1/32 scope 0")
		if !strings.Contains(output.String(), "ppp0: no IPv6: add address fe80::2") {
			t.Errorf("the log says %q, want that there is no IPv6", output)
		}
	})
}

// TestMTUTooSmallForIPv6: with an MTU below IPv6's minimum, IPv4 is configured and the log says
// why IPv6 is not.
func TestMTUTooSmallForIPv6(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		log, output := newLog()
		dial(t, &Configurer{MTU: 1279, Log: log})
		link, err := netlink.LinkByName("ppp0")
		if err != nil {
			t.Fatal(err)
		}
		wantAddresses(t, link, "192.0.2.10/32 peer 192.0.2.1/32 scope 0")
		if !strings.Contains(output.String(), "ppp0: no IPv6: an MTU of at least 1280 is required, and this is 1279") {
			t.Errorf("the log says %q, want why there is no IPv6", output)
		}
	})
}

// TestNoDevice: the error names the device.
func TestNoDevice(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		log, _ := newLog()
		h := &Configurer{Log: log}
		err := h.Configure(pppoe.SessionInfo{Device: "ppp0"}, pppoe.Addressing{}, agreed)
		if err == nil || !strings.HasPrefix(err.Error(), "ppp0: ") {
			t.Errorf("configuring what is not there: %v, want an error that begins with its name", err)
		}
	})
}
