package sharednet

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"upppoe/pppoe"
	"upppoe/tun"
)

// leave leaves a Network to a successor.
func leave(n *Network) {
	n.Device().(tun.Leaver).Leave()
	n.Leave()
}

// closeAll closes a Network and its device.
func closeAll(n *Network) {
	n.Device().Close()
	n.Close()
}

// TestAdopt: the next program with the same owner finds device, addresses and routes, and changes what is
// configured otherwise; Sweep removes the routes that no session wants.
func TestAdopt(t *testing.T) {
	inNamespace(t, func() {
		before := run(t, "address") + run(t, "route", "show", "table", "all")
		configured := func() string {
			_, addresses, _ := strings.Cut(run(t, "address", "show", "dev", "pppoe0"), "link/ppp")
			return addresses + strings.ReplaceAll(static(t), " linkdown", "")
		}
		cfg, log := config()
		cfg.Owner, cfg.IPv6 = "test", netip.MustParseAddr("2001:db8::1")
		first := open(t, cfg)
		first.SetRoutes(pppoe.SessionInfo{}, nil, prefixes("198.51.100.0/24", "203.0.113.0/24", "2001:db8:2::/48"))
		first.routes.worker.Wait()
		leave(first)
		was := configured()
		if !strings.Contains(was, "192.0.2.1/32") || !strings.Contains(was, "203.0.113.0/24 dev pppoe0") {
			t.Errorf("left: %s", was)
		}

		second := open(t, cfg)
		second.SetRoutes(pppoe.SessionInfo{}, nil, prefixes("198.51.100.0/24", "2001:db8:2::/48"))
		second.routes.worker.Wait()
		if got := configured(); got != was {
			t.Errorf("adopted: %s\nwas: %s", got, was)
		}
		second.Sweep()
		second.routes.worker.Wait()
		if got := configured(); got != strings.Replace(was, " 203.0.113.0/24 dev pppoe0 scope link src 192.0.2.1", "", 1) || got == was {
			t.Errorf("swept: %s\nwas: %s", got, was)
		}
		leave(second)

		cfg.IPv4, cfg.IPv6, cfg.Pools = netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("2001:db8::2"), prefixes("192.0.2.64/28")
		third := open(t, cfg)
		third.Sweep()
		third.routes.worker.Wait()
		got := configured()
		if strings.Contains(got, "192.0.2.1/32") || strings.Contains(got, "2001:db8::1") || !strings.Contains(got, "192.0.2.2/32") ||
			!strings.Contains(got, "192.0.2.64/28 dev pppoe0 scope link src 192.0.2.2") || strings.Contains(got, "192.0.2.16") || strings.Contains(got, "2001:db8:1::/48") {
			t.Errorf("configured otherwise: %s", got)
		}
		closeAll(third)
		if after := run(t, "address") + run(t, "route", "show", "table", "all"); after != before {
			t.Errorf("after Close: %s", after)
		}
		if strings.Contains(log.String(), "restore") {
			t.Error(log)
		}
	})
}

// TestRouterAdopts: of the routes that a predecessor has left those that sessions want cost no request, and Sweep
// removes the others.
func TestRouterAdopts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var added, removed []netip.Prefix
		r := newRouter(
			func(p netip.Prefix) error { added = append(added, p); return nil },
			func(p netip.Prefix) error { removed = append(removed, p); return nil }, nil)
		all := prefixes("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24")
		for _, p := range all {
			r.adopt(p)
		}
		r.keep(all[2])
		r.set(pppoe.SessionInfo{}, nil, all[:1])
		synctest.Wait()
		if len(added)+len(removed) > 0 || !r.has(all[0]) || r.has(all[2]) {
			t.Errorf("added %v, removed %v", added, removed)
		}
		r.sweep()
		synctest.Wait()
		if len(added) > 0 || len(removed) != 1 || removed[0] != all[1] {
			t.Errorf("swept: added %v, removed %v", added, removed)
		}
	})
}
