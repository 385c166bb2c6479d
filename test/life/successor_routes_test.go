package life

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"upppoe/internal/mgmt/status"
)

// TestSuccessorRoutes: while a server is upgraded, and after a kill, the framed routes and the delegated prefix of a
// session are the same, and packets pass to hosts in them, and from these to others.
func TestSuccessorRoutes(t *testing.T) {
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			w := newSharedTestbed(t)
			w.serverOptions(t, "require-chap\n"+mode.options)
			flags := append([]string{"--ipv6-networks", "2001:db8:1::/48", "--ipv6-prefixes", "2001:db8:100::/40,56"}, mode.flags...)
			if slices.Contains(flags, "shared") {
				flags = append(flags, "--ipv6-local", "2001:db8::1")
			}
			server := w.serveUpgradable(t, flags...)
			has := func(s status.Status) bool { return hasGlobal(s) && len(s.IPv6.Delegated) == 1 }
			carol := w.dialAs(t, w.client, "carol", "has both families", has, "defaultroute6", "dhcp6-prefix", "56")
			bob := w.dialAs(t, w.other, "bob", "has both families", has, "defaultroute6", "dhcp6-prefix", "56")
			hosts := []netip.Addr{ip("203.0.113.5"), ip("2001:db8:ff::5"), carol.addDelegatedHost(t), bob.addDelegatedHost(t)}
			for _, own := range hosts[:2] {
				check(t, w.client.Address("lo", netip.PrefixFrom(own, own.BitLen()).String()))
			}
			checkHosts := func(when string) {
				t.Helper()
				for _, to := range hosts {
					if _, err := w.server.Ping(to, 1, timeout); err != nil {
						t.Errorf("%s: no answer from %v: %v", when, to, err)
					}
				}
				carol.wantPing(t, when, hosts[3])
				bob.wantPing(t, when, hosts[0])
				bob.wantPing(t, when, hosts[1])
			}
			checkHosts("before")
			network := w.serverNetwork(t) // complete, as there were answers by all routes
			a, s := hosts[0], ip("192.0.2.1")
			up, down := startStream(t, time.Millisecond, w.client, a, w.server, s), startStream(t, time.Millisecond, w.server, s, w.client, a)
			server.upgrade(t, 2)
			for which, one := range map[string]*datagramStream{"up": up, "down": down} {
				if sent, lost, _ := one.end(); lost > 0 {
					t.Errorf("%s: %d of %d datagrams were lost", which, lost, sent)
				}
			}
			checkHosts("after the upgrade")
			w.checkServerNetwork(t, "after the upgrade", network)
			server.killAndServe(t, 2)
			checkHosts("after the kill")
			w.checkServerNetwork(t, "after the kill", network)
		})
	}
}

// addDelegatedHost adds a host with an address of the delegated prefix to a client's network, and returns the
// address.
func (c *customer) addDelegatedHost(t *testing.T) netip.Addr {
	t.Helper()
	delegated, err := netip.ParsePrefix(c.IPv6.Delegated[0])
	check(t, err)
	host := delegated.Addr().Next()
	check(t, c.client.Address("lo", netip.PrefixFrom(host, 128).String()))
	return host
}
