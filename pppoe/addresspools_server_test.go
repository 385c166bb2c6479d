package pppoe_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// pooled is an Authenticator of users named POOL-ANYTHING.
type pooled struct{ anyUser }

func (p pooled) Authenticate(ctx context.Context, l pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	result := p.anyUser.Authenticate(ctx, l, r)
	if pool, _, ok := strings.Cut(r.User(), "-"); ok {
		result.Policy = &pppoe.SessionPolicy{AddressPool: pool}
	}
	return result
}

func pool(name string, all ...string) pppoe.AddressPool {
	p := pppoe.AddressPool{Name: name}
	for _, text := range all {
		r, err := pppoe.ParseAddressRange(text)
		if err != nil {
			panic(err)
		}
		p.Ranges = append(p.Ranges, r)
	}
	return p
}

// TestAddressPools: users get addresses of the pool that their policy names. A pool that is exhausted, or
// does not exist, refuses the login, and says which. Pools can be changed while the server runs: sessions
// keep their addresses, and nobody else gets these.
func TestAddressPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Authenticator, l.server.Pool = pooled{}, pppoe.Pool{Max: 16}
		l.server.Pools, l.server.DefaultPool = []pppoe.AddressPool{pool("gold", "198.51.100.1-2"), pool("rest", "192.0.2.77")}, "rest"
		server := l.startServer()
		clients := byte(0)
		var all []*lab
		dial := func(user, want string) *lab {
			t.Helper()
			clients++
			c := l.secondClient(l.segment)
			c.client.Session.Credentials.Name = user
			address := wire.Addr{2, 20, clients}
			c.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(address), nil }
			c.startClient()
			time.Sleep(2 * time.Second)
			synctest.Wait()
			got, _ := last[pppoe.Configured](&c.clientEvents)
			if text := got.IPv4.Local; text.IsValid() != (want != "") || want != "" && text.String() != want {
				t.Errorf("%s has %v, want %s", user, text, want)
			}
			all = append(all, c)
			return c
		}
		refused := func(user, want string) {
			t.Helper()
			dial(user, "")
			if e, ok := last[session.AuthFailed](&l.serverEvents); !ok || e.Message != want {
				t.Errorf("%s is refused by %q, want %q", user, e.Message, want)
			}
		}
		dial("gold-1", "198.51.100.1")
		second := dial("gold-2", "198.51.100.2")
		dial("alice", "192.0.2.77")
		refused("gold-3", `address pool "gold" exhausted: none of its 2 addresses is free, for user "gold-3"`)
		refused("silver-4", `there is no address pool "silver", for user "silver-4"`)
		l.server.Pools = []pppoe.AddressPool{pool("gold", "198.51.100.2-4"), pool("rest", "192.0.2.77", "198.51.100.9")}
		if err := server.Reconfigure(l.server); err != nil {
			t.Fatal(err)
		}
		dial("gold-5", "198.51.100.3")
		dial("gold-6", "198.51.100.4")
		refused("gold-7", `address pool "gold" exhausted: none of its 3 addresses is free, for user "gold-7"`)
		second.stopClient()
		time.Sleep(time.Minute)
		dial("gold-7", "198.51.100.2")
		if p := server.Pools(); len(p) != 2 || p[0].Used != 3 || p[0].Refused != 2 || p[0].Free != 0 || p[1].Used != 1 || p[1].Free != 1 {
			t.Errorf("the pools are %+v", p)
		}
		l.server.Pools = []pppoe.AddressPool{pool("gold", "198.51.100.2-4"), pool("rest", "198.51.100.4")}
		if err := server.Reconfigure(l.server); err == nil || !strings.Contains(err.Error(), `198.51.100.4 overlaps 198.51.100.2-198.51.100.4 of the pool "gold"`) {
			t.Errorf("pools that overlap are accepted: %v", err)
		}
		for _, c := range all {
			c.stopClient()
		}
		l.startClient()
		l.stop()
		if p := server.Pools(); p[0].Used+p[1].Used != 0 {
			t.Errorf("after all sessions, the pools are %+v", p)
		}
	})
}

// TestPoolOfService: without authentication the policy of the service names the pool, and an exhausted pool
// refuses the session.
func TestPoolOfService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Authenticator, l.server.Session.LCP.RequireAuth = nil, nil
		l.server.Pools = []pppoe.AddressPool{pool("gold", "198.51.100.1")}
		l.server.Policy = func(s pppoe.SessionInfo) *pppoe.SessionPolicy {
			return &pppoe.SessionPolicy{AddressPool: s.Service}
		}
		l.server.Concentrator.Services = []string{"gold", ""}
		l.startServer()
		l.client.Discovery.Service = "gold"
		l.startClient()
		time.Sleep(time.Second)
		l.checkAddress(netip.MustParseAddr("198.51.100.1"), "a client of the service")
		other := l.secondClient(l.segment)
		other.client.Discovery.Service = "gold"
		other.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		if e, _ := last[pppoe.NoFreeSlots](&l.serverEvents); e.Reason != (pppoe.PoolError{Pool: "gold", Size: 1}) {
			t.Errorf("the second is refused by %v", e.Reason)
		}
		other.stopClient()
		l.stop()
	})
}

// TestLocalPerSession: each session has a local address of its own.
func TestLocalPerSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.LocalPerSession, l.server.Authenticator = true, anyUser{}
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		other := l.secondClient(l.segment)
		other.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		one, _ := last[pppoe.Configured](&l.clientEvents)
		two, _ := last[pppoe.Configured](&other.clientEvents)
		if one.IPv4.Remote.String() != "192.0.2.1" || two.IPv4.Remote.String() != "192.0.2.2" {
			t.Errorf("the server has %v and %v", one.IPv4.Remote, two.IPv4.Remote)
		}
		other.stopClient()
		l.stop()
	})
}
