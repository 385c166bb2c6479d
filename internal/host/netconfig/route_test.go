package netconfig

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// wan adds an Ethernet interface eth0 with the address 10.0.0.9/24, whose other end is in the
// namespace too.
func wan(t *testing.T) {
	t.Helper()
	ip(t, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	ip(t, "address", "add", "10.0.0.9/24", "dev", "eth0")
	ip(t, "link", "set", "eth0", "up")
	ip(t, "link", "set", "eth1", "up")
	for range 1000 { // the carrier comes up asynchronously
		if strings.Contains(ip(t, "link", "show", "eth0"), "state UP") {
			return
		}
	}
	t.Fatal("eth0 has no carrier")
}

// routes returns all routes of a family, one per line as ip(8) prints them; without IPv6 ones that
// the kernel adds itself, which come and go.
func routes(t *testing.T, family string) string {
	t.Helper()
	args := []string{family, "-details", "route", "show", "table", "all"}
	if family == "-6" {
		args = append(args, "default")
	}
	return ip(t, args...)
}

// up dials ppp0 and returns how to end the session.
func up(t *testing.T, h *Configurer) (down func()) {
	t.Helper()
	dev := dial(t, h)
	return func() {
		dev.Close()
		h.Close(pppoe.SessionInfo{Device: "ppp0"}, agreed)
	}
}

// TestReplaceDefaultRoute: replaced routes are restored with all their attributes, and other
// routes stay.
func TestReplaceDefaultRoute(t *testing.T) {
	roottest.Need(t, "ip")
	for _, c := range []struct {
		metric *int
		had    []string // as ip(8) takes them
		stays  string   // of these, while the session lasts
	}{
		{had: nil},
		{had: []string{"default via 10.0.0.1"}},
		{had: []string{"default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.9 metric 100"}},
		{had: []string{"default via 192.0.2.77 dev eth0 onlink mtu lock 1300 advmss 1200 initcwnd 20 rtt 100ms proto static"}},
		{had: []string{"default dev eth0 scope link realm 7 congctl cubic"}},
		{had: []string{"default proto bird nexthop via 10.0.0.1 dev eth0 weight 3 nexthop via 10.0.0.2 dev eth0 weight 1 onlink"}},
		{had: []string{"default via 10.0.0.1", "default via 10.0.0.2 metric 700"}, stays: "10.0.0.2"},
		{had: []string{"default via 10.0.0.1 metric 50", "default via 10.0.0.2 metric 700"}, stays: "10.0.0.2"},
		{metric: new(60), had: []string{"default via 10.0.0.1 metric 50", "default via 10.0.0.3 metric 60", "default via 10.0.0.2 metric 700"}, stays: "10.0.0.2"},
		{metric: new(800), had: []string{"default via 10.0.0.1 metric 50", "unreachable default metric 700"}},
		{had: []string{"default via 10.0.0.1 metric 5", "default via 10.0.0.2 metric 5", "default via 10.0.0.3 metric 5"}},
		{had: []string{"default nhid 5"}},
		{had: []string{"default via inet6 fe80::1 dev eth0"}},
		{had: []string{"default via 10.0.0.1 table 7"}, stays: "10.0.0.1"},
	} {
		inNamespace(t, func(t *testing.T) {
			wan(t)
			ip(t, "nexthop", "add", "id", "5", "via", "10.0.0.4", "dev", "eth0")
			for _, r := range c.had {
				ip(t, append([]string{"route", "append"}, strings.Fields(r)...)...)
			}
			before := routes(t, "-4")
			log, output := newLog()
			down := up(t, &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, Metric: c.metric, Log: log})
			during := routes(t, "-4")
			want := 1
			if c.stays != "" {
				want = 2
			}
			if !strings.Contains(during, "default dev ppp0") || !strings.Contains(during, c.stays) || strings.Count(during, "default") != want {
				t.Errorf("%v: while the session lasts, the routes are\n%s", c.had, during)
			}
			down()
			if after := routes(t, "-4"); after != before {
				t.Errorf("%v: after the session, the routes are\n%s\nthey were\n%s", c.had, after, before)
			}
			if strings.Contains(output.String(), "WARN") || strings.Contains(output.String(), "not restoring") {
				t.Errorf("%v: the log says %s", c.had, output)
			}
		})
	}
}

// TestReplaceWithoutCarrier: the kernel marks such routes with a flag that it rejects in requests.
func TestReplaceWithoutCarrier(t *testing.T) {
	roottest.Need(t, "ip")
	for _, had := range []string{
		"default via 10.0.0.1 dev eth0 onlink",
		"default nexthop via 10.0.0.1 dev eth0 weight 3 nexthop via 10.0.0.2 dev eth0 weight 1 onlink",
		"default nhid 5",
	} {
		inNamespace(t, func(t *testing.T) {
			wan(t)
			ip(t, "nexthop", "add", "id", "5", "via", "10.0.0.4", "dev", "eth0")
			ip(t, append([]string{"route", "add"}, strings.Fields(had)...)...)
			ip(t, "link", "set", "eth1", "down")
			before := ""
			for range 1000 { // the kernel marks them asynchronously
				if before = routes(t, "-4"); strings.Contains(before, "linkdown") {
					break
				}
			}
			log, output := newLog()
			up(t, &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, Log: log})()
			if after := routes(t, "-4"); after != before || !strings.Contains(after, "linkdown") {
				t.Errorf("after the session, the routes are\n%s\nthey were\n%s\nthe log says %s", after, before, output)
			}
		})
	}
}

// TestReplacedMeanwhile: a default route that has been added meanwhile stays, and the old one is
// not restored.
func TestReplacedMeanwhile(t *testing.T) {
	roottest.Need(t, "ip")
	for _, theirs := range []string{"replace default via 10.0.0.2", "add default via 10.0.0.2 metric 100"} {
		inNamespace(t, func(t *testing.T) {
			wan(t)
			ip(t, "route", "add", "default", "via", "10.0.0.1")
			log, output := newLog()
			down := up(t, &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, Log: log})
			ip(t, append([]string{"route"}, strings.Fields(theirs)...)...)
			down()
			if got := routes(t, "-4"); !strings.Contains(got, "default via 10.0.0.2") || strings.Contains(got, "10.0.0.1 ") {
				t.Errorf("%s: the routes are\n%s", theirs, got)
			}
			if want := "not restoring the default route via 10.0.0.1: there is another one by now, via 10.0.0.2"; !strings.Contains(output.String(), want) {
				t.Errorf("%s: the log says %s", theirs, output)
			}
		})
	}
}

// TestReplacedDeviceGone: a route whose device was removed cannot be restored, and the log says
// so.
func TestReplacedDeviceGone(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "route", "add", "default", "via", "10.0.0.1")
		log, output := newLog()
		down := up(t, &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, Log: log})
		ip(t, "link", "delete", "eth0")
		down()
		if !strings.Contains(output.String(), "cannot undo (replace default route): default route via 10.0.0.1 with metric 0") {
			t.Errorf("the log says %s", output)
		}
	})
}

// TestReplacedUntilIPv4Ends: the old default route is restored as soon as IPv4 is down, though the
// device stays.
func TestReplacedUntilIPv4Ends(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "route", "add", "default", "via", "10.0.0.1")
		log, _ := newLog()
		h := &Configurer{DefaultRoute: true, ReplaceDefaultRoute: true, Log: log}
		dial(t, h)
		only6 := agreed
		only6.IPv4 = pppoe.Addressing{}.IPv4
		info := pppoe.SessionInfo{Device: "ppp0"}
		for range 2 {
			if err := h.Configure(info, agreed, only6); err != nil {
				t.Fatal(err)
			}
			if got, err := defaultRoute(); got != "via 10.0.0.1" {
				t.Errorf("without IPv4, the default route goes %q, %v", got, err)
			}
			if err := h.Configure(info, only6, agreed); err != nil {
				t.Fatal(err)
			}
			if got, err := defaultRoute(); got != "through ppp0" {
				t.Errorf("with IPv4, the default route goes %q, %v", got, err)
			}
		}
	})
}

// TestMetric: with a metric, only a default route with the same metric prevents ours.
func TestMetric(t *testing.T) {
	roottest.Need(t, "ip")
	for _, c := range []struct {
		metric *int
		had    string
		want   string
		says   string
	}{
		{new(50), "default via 10.0.0.1", "default dev ppp0 scope link metric 50", ""},
		{new(0), "default via 10.0.0.1 metric 50", "default dev ppp0 scope link", ""},
		{new(50), "default via 10.0.0.1 metric 50", "", "not replacing existing default route via 10.0.0.1 with metric 50"},
		{new(0), "default dev eth0 scope link", "", "not replacing existing default route through eth0 with metric 0"},
		{nil, "default via 10.0.0.1 metric 50", "", "not replacing existing default route via 10.0.0.1 with metric -1"},
	} {
		inNamespace(t, func(t *testing.T) {
			wan(t)
			ip(t, append([]string{"route", "add"}, strings.Fields(c.had)...)...)
			log, output := newLog()
			dial(t, &Configurer{DefaultRoute: true, Metric: c.metric, Log: log})
			got := strings.TrimSpace(ip(t, "route", "show", "default", "dev", "ppp0"))
			if want := strings.Replace(c.want, " dev ppp0", "", 1); got != want {
				t.Errorf("%s, metric %v: the route is %q, want %q", c.had, c.metric, got, want)
			}
			if !strings.Contains(output.String(), c.says) || c.says == "" && output.Len() > 0 {
				t.Errorf("%s, metric %v: the log says %q, want %q", c.had, c.metric, output, c.says)
			}
		})
	}
}

// TestDefaultRoute6: as for IPv4, with the kernel's own metric.
func TestDefaultRoute6(t *testing.T) {
	roottest.Need(t, "ip")
	for _, c := range []struct {
		metric *int
		had    string
		want   string
		says   string
	}{
		{nil, "", "default dev ppp0 metric 1024 pref medium", ""},
		{new(50), "default via fe80::7 dev eth0", "default dev ppp0 metric 50 pref medium", ""},
		{nil, "default via fe80::7 dev eth0 metric 50", "", "not replacing existing default route via fe80::7 with metric -1"},
	} {
		inNamespace(t, func(t *testing.T) {
			wan(t)
			if c.had != "" {
				ip(t, append([]string{"-6", "route", "add"}, strings.Fields(c.had)...)...)
			}
			before := routes(t, "-6")
			log, output := newLog()
			down := up(t, &Configurer{DefaultRoute6: true, Metric6: c.metric, Log: log})
			got := ""
			for _, line := range strings.Split(ip(t, "-6", "route", "show", "default"), "\n") {
				if strings.Contains(line, "ppp0") {
					got = strings.TrimSpace(line)
				}
			}
			if got != c.want || !strings.Contains(output.String(), c.says) {
				t.Errorf("%q, metric %v: the route is %q, want %q; the log says %q", c.had, c.metric, got, c.want, output)
			}
			down()
			if after := routes(t, "-6"); after != before {
				t.Errorf("after the session, the routes are %q, and were %q", after, before)
			}
		})
	}
}

// needKind skips a test if the kernel does not support a kind of device: test/interop runs it in a
// guest whose kernel does.
func needKind(t *testing.T, kind string) {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe"
	var link netlink.Link = &netlink.Vrf{LinkAttrs: attrs, Table: 9999}
	if kind == "vlan" {
		parent := netlink.NewLinkAttrs()
		parent.Name = "parent"
		bridge := &netlink.Bridge{LinkAttrs: parent}
		if err := netlink.LinkAdd(bridge); err != nil {
			t.Fatal(err)
		}
		defer netlink.LinkDel(bridge)
		attrs.ParentIndex = bridge.Index
		link = &netlink.Vlan{LinkAttrs: attrs, VlanId: 7}
	}
	if err := netlink.LinkAdd(link); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			roottest.SkipCoveredBy(t, "../../../test/interop/older_kernel_test.go", fmt.Sprintf("this kernel makes no %s: %v", kind, err))
		}
		t.Fatal(err)
	}
	if err := netlink.LinkDel(link); err != nil {
		t.Fatal(err)
	}
}

// discard returns a logger without output.
func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// pathOf returns a path to a namespace without a name.
func pathOf(t *testing.T, n *lab.Namespace) (path string) {
	t.Helper()
	err := n.Do(func() error {
		fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(fd) })
		path = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd) // ip(8) can use it too
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}
