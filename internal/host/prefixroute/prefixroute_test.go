package prefixroute

import (
	"errors"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/test/lab/labtest"
)

// run runs ip(8) in the thread's namespace, and returns the words of its output.
func run(t *testing.T, args ...string) string {
	t.Helper()
	return strings.Join(strings.Fields(output(t, args...)), " ")
}

// output runs ip(8) in the thread's namespace.
func output(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// allRoutes returns the routes of all tables, except those that the kernel adds itself: it does so a while after an
// interface has a carrier.
func allRoutes(t *testing.T) string {
	t.Helper()
	lines := strings.Split(output(t, "route", "show", "table", "all"), "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return strings.Contains(l, "proto kernel") }), "\n")
}

func index(t *testing.T, name string) int {
	t.Helper()
	link, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return link.Attrs().Index
}

// TestAddAndRemove: routes of both families, with a source address, in two tables.
func TestAddAndRemove(t *testing.T) {
	roottest.Need(t, "ip")
	labtest.InNamespace(t, func() error {
		run(t, "link", "add", "lan", "type", "veth", "peer", "wan")
		run(t, "address", "add", "192.0.2.1/32", "dev", "lan")
		run(t, "link", "set", "lan", "up")
		run(t, "link", "set", "wan", "up")
		handle := &netlink.Handle{}
		for _, c := range []struct {
			route Route
			show  []string
			want  string
		}{
			{Route{Prefix: netip.MustParsePrefix("198.51.100.0/29"), Source: netip.MustParseAddr("192.0.2.1")}, []string{"route"}, "198.51.100.0/29 dev lan proto static scope link src 192.0.2.1"},
			{Route{Prefix: netip.MustParsePrefix("198.51.100.8/32"), Table: 77}, []string{"route", "show", "table", "77"}, "198.51.100.8 dev lan proto static scope link"},
			{Route{Prefix: netip.MustParsePrefix("2001:db8:1::/48"), Source: netip.MustParseAddr("192.0.2.1")}, []string{"-6", "route", "show", "root", "2001:db8::/32"}, "2001:db8:1::/48 dev lan proto static metric 1024 pref medium"},
		} {
			c.route.Device = index(t, "lan")
			for range 2 { // an existing route is no error
				if err := Add(handle, c.route); err != nil {
					t.Errorf("%v: %v", c.route, err)
				}
			}
			if got := run(t, c.show...); got != c.want {
				t.Errorf("%v: %q, want %q", c.route, got, c.want)
			}
			for range 2 { // nor is one that is gone
				if err := Remove(handle, c.route); err != nil {
					t.Errorf("%v: %v", c.route, err)
				}
			}
			if got := run(t, c.show...); got != "" {
				t.Errorf("%v: %q is left", c.route, got)
			}
		}
		return nil
	})
}

// TestTaken: a prefix that another device has is an error that names both, whatever its metric.
func TestTaken(t *testing.T) {
	roottest.Need(t, "ip")
	labtest.InNamespace(t, func() error {
		run(t, "link", "add", "lan", "type", "veth", "peer", "wan")
		run(t, "link", "set", "lan", "up")
		run(t, "link", "set", "wan", "up")
		run(t, "address", "add", "198.51.100.1/24", "dev", "wan")
		run(t, "route", "add", "203.0.113.0/24", "dev", "wan", "metric", "50")
		run(t, "route", "add", "203.0.113.0/29", "dev", "wan") // hides the one before from a look-up of its first address
		run(t, "route", "add", "192.0.2.0/24", "dev", "wan")
		run(t, "route", "add", "192.0.2.0/29", "dev", "wan")
		run(t, "route", "add", "192.0.2.0/28", "dev", "wan", "table", "77")
		run(t, "route", "add", "2001:db8:1::/48", "dev", "wan")
		run(t, "route", "add", "blackhole", "192.0.2.128/29")
		before := allRoutes(t)
		for _, c := range []struct {
			prefix string
			table  int
			want   string
		}{
			{"198.51.100.0/24", 0, "198.51.100.0/24 is already routed to wan"},
			{"198.51.100.1/32", 0, "198.51.100.1/32 is already an address of this machine, on wan"},
			{"203.0.113.0/29", 0, "203.0.113.0/29 is already routed to wan"},
			{"192.0.2.0/24", 0, "192.0.2.0/24 is already routed to wan"},
			{"192.0.2.0/28", 77, "192.0.2.0/28 is already routed to wan"},
			{"2001:db8:1::/48", 0, "2001:db8:1::/48 is already routed to wan"},
			{"192.0.2.128/29", 0, "192.0.2.128/29 is already routed to nowhere"},
		} {
			err := Add(&netlink.Handle{}, Route{Prefix: netip.MustParsePrefix(c.prefix), Device: index(t, "lan"), Table: c.table})
			if !errors.Is(err, ErrTaken) || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v, want %s", c.prefix, err, c.want)
			}
		}
		if after := allRoutes(t); after != before {
			t.Errorf("routes have changed from\n%s\nto\n%s", before, after)
		}
		return nil
	})
}
