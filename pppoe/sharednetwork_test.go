package pppoe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun/tuntest"
)

// routeLog is a PrefixRouter that records routes; prefixes of 192.0.2.0/24 are those of the pool.
type routeLog struct {
	mu     sync.Mutex
	routes []string
	wrong  error
}

func (*routeLog) NeedsRoute(p netip.Prefix) bool {
	return !netip.MustParsePrefix("192.0.2.0/24").Contains(p.Addr())
}

func (r *routeLog) SetRoutes(s pppoe.SessionInfo, have, want []netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range have {
		i := slices.Index(r.routes, p.String())
		if i < 0 {
			r.wrong = fmt.Errorf("%v of session %d has no route", p, s.SessionID)
			return
		}
		r.routes = slices.Delete(r.routes, i, i+1)
	}
	for _, p := range want {
		r.routes = append(r.routes, p.String())
	}
}

func (r *routeLog) is(want ...string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Equal(r.routes, want)
}

// sharedLab is a lab whose server has a shared device.
type sharedLab struct {
	*lab
	tun    *tuntest.Device
	device *datapath.SharedDevice
	routes *routeLog
	local  []string // packets that the data path took out, by session
}

func newSharedLab(t *testing.T) *sharedLab {
	l := &sharedLab{lab: newLab(t, ethertest.Config{}), tun: tuntest.New("pppoe0"), routes: &routeLog{}}
	l.device = datapath.NewSharedDevice(datapath.SharedConfig{
		Device: l.tun, IPv4: netip.MustParseAddr("192.0.2.1"),
		Local: func(s datapath.SessionConfig, packet []byte) {
			l.local = append(l.local, fmt.Sprintf("%s session %d", pppoe.KeyOf(s).Interface, s.SessionID))
		},
	})
	l.server.Network, l.server.Shared = nil, &pppoe.SharedNetwork{Device: l.device, Routes: l.routes}
	return l
}

// dial starts another client and returns its device.
func (l *sharedLab) dial(number byte) (d *tuntest.Device, stop func()) {
	l.t.Helper()
	cfg, host := l.client, newHost("c")
	cfg.Network, cfg.Notify = host, nil
	cfg.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(wire.Addr{2, 9, number}), nil }
	c, err := pppoe.NewClient(cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.running.Go(func() { c.Run(ctx) })
	synctest.Wait()
	return host.device(l.t, "c0"), cancel
}

func (l *sharedLab) end() {
	l.t.Helper()
	l.stopServer()
	l.running.Wait()
	l.device.Close()
	if l.routes.wrong != nil || !l.routes.is() {
		l.t.Errorf("routes are left: %v, %v", l.routes.routes, l.routes.wrong)
	}
}

// TestSharedDevice: the sessions of a server have one device: packets to an address go to its session
// and to no other, and those from another's address are dropped; when a session has ended, its
// address belongs to nobody. Prefixes outside of the pool are routed, others not.
func TestSharedDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSharedLab(t)
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy {
			return &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.MustParsePrefix("192.0.2.128/29")}}
		}
		s := l.startServer()
		one, stopOne := l.dial(1)
		first := l.serverEvents.key()
		if e, ok := last[pppoe.Configured](&l.serverEvents); !ok || e.IPv4.Remote.String() != "192.0.2.10" {
			t.Fatalf("the first session has %+v", e)
		}
		if err := s.Update(first, pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}}); err != nil {
			t.Fatal(err)
		}
		two, stopTwo := l.dial(2)
		second := l.serverEvents.key()
		s.SetSourcePrefixes(second, []netip.Prefix{netip.MustParsePrefix("2001:db8:2::/56"), {}})
		if synctest.Wait(); !l.routes.is("198.51.100.0/29", "2001:db8:2::/56") {
			t.Errorf("routes are %v", l.routes.routes)
		}
		for to, want := range map[string][2]int{"192.0.2.10": {1, 0}, "192.0.2.11": {0, 1}, "192.0.2.12": {0, 0}, "198.51.100.7": {1, 0}, "192.0.2.129": {0, 1}} {
			l.tun.Inject(ipv4("203.0.113.1", to))
			if got := [2]int{receivedCount(one), receivedCount(two)}; got != want {
				t.Errorf("of a packet to %s the clients receive %v, want %v", to, got, want)
			}
			receivedCount(l.tun) // an ICMP error
		}
		for from, want := range map[string]int{"192.0.2.10": 1, "192.0.2.11": 0, "198.51.100.7": 1, "192.0.2.129": 0} {
			one.Inject(ipv4(from, "203.0.113.1"))
			if got := receivedCount(l.tun); got != want {
				t.Errorf("of a packet from %s the host receives %d, want %d", from, got, want)
			}
		}
		two.Inject(ipv6From(netip.MustParseAddr("2001:db8:2::9")))
		if got := receivedCount(l.tun); got != 1 {
			t.Errorf("of a packet from the dynamic prefix the host receives %d", got)
		}
		if !s.Send(second, ipv4("192.0.2.1", "192.0.2.11")) || receivedCount(two) != 1 {
			t.Error("a packet of the server's own does not reach its session")
		}
		later := second
		later.Generation++
		if s.Send(later, ipv4("192.0.2.1", "192.0.2.11")) || receivedCount(two) != 0 {
			t.Error("a packet is sent to a session of another generation")
		}
		stopOne()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Counters.ReceivedPackets != 2 || e.Counters.Spoofed != 2 {
			t.Errorf("the session's counters in the end: %+v", e.Counters)
		}
		l.tun.Inject(ipv4("203.0.113.1", "192.0.2.10"))
		if receivedCount(two) != 0 || receivedCount(l.tun) != 1 {
			t.Error("a packet to an address without a session is not answered")
		}
		stopTwo()
		time.Sleep(10 * time.Second)
		l.end()
	})
}

// TestSharedPrefixInUse: a session whose prefix another session has ends before packets flow, with
// both sessions named; the other one is not affected.
func TestSharedPrefixInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSharedLab(t)
		l.server.KeepOlder = true
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy {
			return &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}}
		}
		l.startServer()
		one, stopOne := l.dial(1)
		_, stopTwo := l.dial(2)
		time.Sleep(10 * time.Second)
		if e, ok := last[pppoe.HostNetworkFailed](&l.serverEvents); !ok || !strings.Contains(e.Err.Error(), "198.51.100.0/29") {
			t.Errorf("reported %v, %v", e, ok)
		}
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseNetworkConfigFailed {
			t.Errorf("ended by %v", e.Reason)
		}
		l.tun.Inject(ipv4("203.0.113.1", "198.51.100.1"))
		if receivedCount(one) != 1 {
			t.Error("the first session has lost its prefix")
		}
		stopOne()
		stopTwo()
		time.Sleep(10 * time.Second)
		l.end()
	})
}

// TestNetworkFailsLater: a session whose route could not be added ends, and no other.
func TestNetworkFailsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSharedLab(t)
		s := l.startServer()
		_, stopOne := l.dial(1)
		first := l.serverEvents.key()
		two, stopTwo := l.dial(2)
		failure := errors.New("198.51.100.0/29 is already routed to eth1")
		for i := range 2 { // the second time it is closing, or has ended
			if err := s.FailNetwork(first, failure); err != nil && (i == 0 || !errors.Is(err, pppoe.ErrNoSession)) {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		if e, ok := last[pppoe.HostNetworkFailed](&l.serverEvents); !ok || e.Err != failure {
			t.Errorf("reported %v, %v", e, ok)
		}
		reported := 0
		for _, e := range l.serverEvents.events {
			if _, is := e.(pppoe.HostNetworkFailed); is {
				reported++
			}
		}
		if reported != 1 {
			t.Errorf("reported %d times", reported)
		}
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseNetworkConfigFailed {
			t.Errorf("ended by %v", e.Reason)
		}
		if err := s.FailNetwork(first, failure); !errors.Is(err, pppoe.ErrNoSession) {
			t.Errorf("of a session that has ended: %v", err)
		}
		l.tun.Inject(ipv4("203.0.113.1", "192.0.2.11"))
		if receivedCount(two) != 1 {
			t.Error("another session has ended")
		}
		stopOne()
		stopTwo()
		time.Sleep(10 * time.Second)
		l.end()
	})
}

// TestFramedRouteTakenOver: a session of the same user takes the framed routes over from an older one,
// which ends, whatever has become of its client; and that does not affect them when it has ended.
func TestFramedRouteTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSharedLab(t)
		framed := []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return &pppoe.SessionPolicy{FramedRoutes: framed} }
		l.startServer()
		_, stopOne := l.dial(1)
		two, stopTwo := l.dial(2)
		time.Sleep(10 * time.Second)
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseReplaced || !strings.Contains(e.Reason.Text, "framed route") {
			t.Errorf("the first session ended by %v", e.Reason)
		}
		if e, failed := last[pppoe.HostNetworkFailed](&l.serverEvents); failed {
			t.Errorf("the second session failed: %v", e.Err)
		}
		l.tun.Inject(ipv4("203.0.113.1", "198.51.100.1"))
		if n := receivedCount(two); n != 1 || !l.routes.is("198.51.100.0/29") {
			t.Errorf("the second session does not have the prefix: it receives %d packets of one; routes are %v", n, l.routes.routes)
		}
		if n := count[pppoe.Ended](&l.serverEvents); n != 1 {
			t.Errorf("%d sessions have ended, want the first alone", n)
		}
		stopOne()
		stopTwo()
		time.Sleep(10 * time.Second)
		l.end()
	})
}
