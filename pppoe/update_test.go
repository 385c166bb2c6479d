package pppoe_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
)

// routingHost is a host that records framed routes.
type routingHost struct {
	*host
	routes []netip.Prefix // as last set
	calls  int
	err    error
}

func (h *routingHost) SetFramedRoutes(_ pppoe.SessionInfo, have, want []netip.Prefix) error {
	if h.calls++; !slices.Equal(have, h.routes) {
		return errors.New("have differs from the last want")
	}
	h.routes = want
	return h.err
}

// TestUpdate: a new policy replaces the old one as a whole while packets flow: rates, source check
// with its prefixes, framed routes, MSS and timeouts. An unchanged rate keeps its bucket.
func TestUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		routes := &routingHost{host: l.serverHost}
		l.server.Network = routes
		framed := netip.MustParsePrefix("198.51.100.0/29")
		rate := datapath.Rate{Bits: 8000, Burst: time.Second}
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy {
			return &pppoe.SessionPolicy{Up: rate, FramedRoutes: []netip.Prefix{framed, netip.MustParsePrefix("2001:db8:9::/48")}}
		}
		s := l.startServer()
		l.startClient()
		synctest.Wait()
		here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "ppp0")
		if len(routes.routes) != 2 || routes.routes[0] != framed {
			t.Errorf("framed routes are %v", routes.routes)
		}
		passes := func(from string, n int) (got int) {
			for range n {
				here.Inject(append(ipv4(from, "203.0.113.1"), make([]byte, 980)...))
				got += receivedCount(there)
			}
			return got
		}
		key, calls, configured := l.serverEvents.key(), routes.calls, count[pppoe.Configured](&l.serverEvents)
		update := func(p pppoe.SessionPolicy) {
			t.Helper()
			if err := s.Update(key, p); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if n := passes("192.0.2.11", 20); n != 15 {
			t.Errorf("%d packets pass, want 15: the bucket's", n)
		}
		update(pppoe.SessionPolicy{Up: rate, CheckSource: true, AllowSources: []netip.Prefix{framed}})
		if n := passes("192.0.2.10", 1); n != 0 {
			t.Error("an unchanged rate has a new bucket")
		}
		if len(routes.routes) != 0 {
			t.Errorf("framed routes of the earlier policy stay: %v", routes.routes)
		}
		update(pppoe.SessionPolicy{CheckSource: true, AllowSources: []netip.Prefix{framed}})
		for from, want := range map[string]int{"192.0.2.10": 20, "192.0.2.11": 0, "198.51.100.7": 20} {
			if n := passes(from, 20); n != want {
				t.Errorf("from %s %d packets pass, want %d", from, n, want)
			}
		}
		if routes.calls != calls+1 { // by the first update
			t.Errorf("two updates have set the routes %d times, want once", routes.calls-calls)
		}
		if n := count[pppoe.Configured](&l.serverEvents); n != configured {
			t.Errorf("two updates have configured the session %d times", n-configured)
		}
		later := key
		later.Generation++
		if err := s.Update(later, pppoe.SessionPolicy{}); !errors.Is(err, pppoe.ErrNoSession) {
			t.Errorf("another generation: %v", err)
		}
		update(pppoe.SessionPolicy{Limits: &pppoe.SessionLimits{SessionTimeout: time.Minute}})
		if n := passes("192.0.2.11", 20); n != 20 {
			t.Errorf("without a source check %d packets of 20 pass", n)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseExpired {
			t.Errorf("after the new session timeout: %v, %v", ok, e.Reason)
		}
		if err := s.Update(key, pppoe.SessionPolicy{}); !errors.Is(err, pppoe.ErrNoSession) {
			t.Errorf("a session that has ended: %v", err)
		}
		l.stop()
	})
}

// TestChangePolicy: a change of one part of the policy keeps the others.
func TestChangePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		given := &pppoe.SessionPolicy{Down: datapath.Rate{Bits: 8000, Burst: time.Second}, CheckSource: true}
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return given }
		s := l.startServer()
		l.startClient()
		synctest.Wait()
		key := l.serverEvents.key()
		up := datapath.Rate{Bits: 16000, Burst: time.Second}
		if err := s.ChangePolicy(key, func(p *pppoe.SessionPolicy) { p.Up = up }); err != nil {
			t.Fatal(err)
		}
		is, err := s.Session(key)
		if err != nil || is.Policy.Up != up || is.Policy.Down != given.Down || !is.Policy.CheckSource {
			t.Errorf("the policy is %+v, %v", is.Policy, err)
		}
		if given.Up != (datapath.Rate{}) {
			t.Error("the policy that sessions share has changed")
		}
		l.stop()
		if err := s.ChangePolicy(key, func(*pppoe.SessionPolicy) {}); !errors.Is(err, pppoe.ErrNoSession) {
			t.Errorf("of a session that has ended: %v", err)
		}
	})
}

// TestFramedRouteFails: a session whose framed route the host refuses ends, and says why.
func TestFramedRouteFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		refused := errors.New("198.51.100.0/29 is routed to eth9")
		l.server.Network = &routingHost{host: l.serverHost, err: refused}
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy {
			return &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}}
		}
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		if e, ok := last[pppoe.HostNetworkFailed](&l.serverEvents); !ok || !errors.Is(e.Err, refused) {
			t.Errorf("reported %v, %v", e, ok)
		}
		if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CauseNetworkConfigFailed {
			t.Errorf("ended by %v", e.Reason)
		}
		l.stop()
	})
}
