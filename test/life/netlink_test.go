package life

import (
	"net"
	"net/netip"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/test/lab"
)

// links returns the client's devices except loopback and Ethernet interfaces.
func (w *testbed) links(t testing.TB) map[string]bool {
	t.Helper()
	return linksOf(t, w.client)
}

// linksOf returns a machine's devices except loopback and Ethernet interfaces.
func linksOf(t testing.TB, in *lab.Namespace) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	check(t, in.Do(func() error {
		all, err := netlink.LinkList()
		for _, l := range all {
			if name := l.Attrs().Name; !slices.Contains([]string{"lo", "eth0", "eth1"}, name) {
				found[name] = true
			}
		}
		return err
	}))
	return found
}

// routes returns the routes in a table of a namespace.
func routes(t testing.TB, in *lab.Namespace, family, table int) (all []netlink.Route) {
	t.Helper()
	check(t, in.Do(func() (err error) {
		all, err = netlink.RouteListFiltered(family, &netlink.Route{Table: table}, netlink.RT_FILTER_TABLE)
		return err
	}))
	return all
}

func mac(t testing.TB, in *lab.Namespace, name string) string {
	t.Helper()
	var address net.HardwareAddr
	check(t, in.Do(func() error {
		link, err := netlink.LinkByName(name)
		if err == nil {
			address = link.Attrs().HardwareAddr
		}
		return err
	}))
	return address.String()
}

func ip(text string) netip.Addr { return netip.MustParseAddr(text) }
