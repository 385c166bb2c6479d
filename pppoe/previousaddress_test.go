package pppoe_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestPreviousAddress: a user, or a station without authentication, gets its previous address again
// if that is free, even if others have had it since.
func TestPreviousAddress(t *testing.T) {
	for _, c := range []struct {
		what  string
		names bool // users must authenticate
		as    string
		from  wire.Addr
		again bool
	}{
		{"the same user, at the same station", true, "alice", clientAddr, true},
		{"the same user, with a new router", true, "alice", wire.Addr{2, 77}, true},
		{"another user, at the same station", true, "bob", clientAddr, false},
		{"the same station", false, "", clientAddr, true},
		{"another station", false, "", wire.Addr{2, 77}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.server.Authenticator = anyUser{}
				if !c.names {
					l.server.Session.LCP.RequireAuth = nil
				}
				l.startServer()
				dial := func(as string, from wire.Addr) netip.Addr {
					l.client.Session.Credentials.Name = as
					l.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(from), nil }
					l.startClient()
					time.Sleep(time.Second)
					got, _ := last[pppoe.Configured](&l.clientEvents)
					l.stopClient()
					time.Sleep(time.Minute)
					synctest.Wait()
					return got.IPv4.Local
				}
				first := dial("alice", clientAddr)
				dial("carol", wire.Addr{2, 9}) // another user, while the first address is free
				if got := dial(c.as, c.from); (got == first) != c.again {
					t.Errorf("after %v it has %v", first, got)
				}
				for i := range byte(5) { // all addresses are used in between
					dial(string(rune('k'+i)), wire.Addr{2, 10 + i})
				}
				if c.again {
					if got := dial(c.as, c.from); got != first {
						t.Errorf("after all others it has %v, want %v", got, first)
					}
				}
				l.startClient()
				time.Sleep(time.Second)
				l.stop()
			})
		})
	}
}

// TestPreviousAddressTaken: an address that another session now has is not returned.
func TestPreviousAddressTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Authenticator, l.server.Pool.Max = anyUser{}, 2
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		l.checkAddress(netip.MustParseAddr("192.0.2.10"), "the first")
		l.stopClient()
		time.Sleep(time.Minute)
		synctest.Wait()
		other := l.secondClient(l.segment)
		other.client.Session.Credentials.Name = "another"
		for range 2 { // the second time its own address is the one longest free
			other.startClient()
			time.Sleep(time.Second)
			other.checkAddress(netip.MustParseAddr("192.0.2.11"), "another")
			other.stopClient()
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		third := l.secondClient(l.segment)
		third.client.Session.Credentials.Name = "a third"
		third.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(wire.Addr{2, 10}), nil }
		third.startClient()
		time.Sleep(time.Second)
		third.checkAddress(netip.MustParseAddr("192.0.2.10"), "the third")
		l.startClient()
		time.Sleep(time.Second)
		l.checkAddress(netip.MustParseAddr("192.0.2.11"), "the client that returns too late")
		third.stopClient()
		l.stop()
	})
}
