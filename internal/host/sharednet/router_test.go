package sharednet

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"upppoe/pppoe"
)

func pid() string { return strconv.Itoa(os.Getpid()) }

// TestNeedsRoute: what is in a pool needs no route of its own.
func TestNeedsRoute(t *testing.T) {
	cfg, _ := config()
	n := &Network{cfg: cfg}
	for text, want := range map[string]bool{
		"192.0.2.16/32": false, "192.0.2.24/29": false, "192.0.2.32/32": false, "2001:db8:1:2::/64": false, "fe80::2/128": false,
		"192.0.2.33/32": true, "192.0.2.0/27": true, "2001:db8:2::/64": true, "2001:db8::/32": true,
	} {
		if got := n.NeedsRoute(netip.MustParsePrefix(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if n.NeedsRoute(netip.Prefix{}) {
		t.Error("no prefix needs a route")
	}
}

// kernel records requests, which wait for permission.
type kernel struct {
	mu       sync.Mutex
	requests []string
	release  chan struct{}
	fails    string
}

func (k *kernel) request(what string, p netip.Prefix) error {
	<-k.release
	k.mu.Lock()
	defer k.mu.Unlock()
	k.requests = append(k.requests, what+p.String())
	if what+p.String() == k.fails {
		return errors.New("refused")
	}
	return nil
}

func (k *kernel) router(failed func(pppoe.SessionInfo, error)) *router {
	return newRouter(func(p netip.Prefix) error { return k.request("+", p) }, func(p netip.Prefix) error { return k.request("-", p) }, failed)
}

// TestRouterCoalesces: while the kernel is slow, nothing waits, and only the latest wish counts.
func TestRouterCoalesces(t *testing.T) {
	a, b, c := prefixes("198.51.100.0/32"), prefixes("198.51.100.1/32"), prefixes("198.51.100.2/32")
	for _, test := range []struct {
		name  string
		calls func(set func(id uint16, have, want []netip.Prefix))
		want  string
	}{
		{"each once", func(set func(uint16, []netip.Prefix, []netip.Prefix)) { set(1, nil, a); set(2, nil, b); set(3, nil, c) }, "+0 +1 +2"},
		{"gone before it was added", func(set func(uint16, []netip.Prefix, []netip.Prefix)) { set(1, nil, a); set(2, nil, b); set(2, b, nil) }, "+0"},
		{"gone while it is added", func(set func(uint16, []netip.Prefix, []netip.Prefix)) { set(1, nil, a); set(1, a, nil) }, "+0 -0"},
		{"from one session to another", func(set func(uint16, []netip.Prefix, []netip.Prefix)) {
			set(1, nil, a)
			set(2, nil, b)
			set(2, b, nil)
			set(3, nil, b)
		}, "+0 +1"},
		{"of two sessions", func(set func(uint16, []netip.Prefix, []netip.Prefix)) { set(1, nil, a); set(2, nil, a); set(1, a, nil) }, "+0"},
		{"changed", func(set func(uint16, []netip.Prefix, []netip.Prefix)) {
			set(1, nil, slices.Concat(a, b))
			set(1, slices.Concat(a, b), slices.Concat(b, c))
		}, "+0 +1 -0 +2"},
		{"not had", func(set func(uint16, []netip.Prefix, []netip.Prefix)) { set(1, a, nil) }, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			k := &kernel{release: make(chan struct{})}
			r := k.router(func(s pppoe.SessionInfo, err error) { t.Errorf("%v: %v", s.SessionID, err) })
			test.calls(func(id uint16, have, want []netip.Prefix) {
				r.set(pppoe.SessionInfo{SessionID: id}, have, want)
				synctest.Wait()
			})
			close(k.release)
			r.worker.Wait()
			if got := strings.ReplaceAll(strings.ReplaceAll(strings.Join(k.requests, " "), "198.51.100.", ""), "/32", ""); got != test.want {
				t.Errorf("%s: %s, want %s", test.name, got, test.want)
			}
			for p, w := range r.prefixes {
				if w.users == 0 {
					t.Errorf("%s: %v is remembered", test.name, p)
				}
			}
		})
	}
}

// TestRouterReportsFailures: a failure is counted, and reported with the session; the next wish is
// another try.
func TestRouterReportsFailures(t *testing.T) {
	a := prefixes("198.51.100.0/32")
	k := &kernel{release: make(chan struct{}), fails: "+198.51.100.0/32"}
	close(k.release)
	var failed []string
	r := k.router(func(s pppoe.SessionInfo, err error) { failed = append(failed, fmt.Sprint(s.SessionID, err)) })
	for id := range uint16(2) {
		r.set(pppoe.SessionInfo{SessionID: id}, nil, a)
		r.worker.Wait()
		r.set(pppoe.SessionInfo{SessionID: id}, a, nil)
		r.worker.Wait()
	}
	if got := r.stats(); got != (RouteStats{Failures: 2}) || !slices.Equal(failed, []string{"0 refused", "1 refused"}) || len(r.prefixes) > 0 {
		t.Errorf("%+v, %q, left %v", got, failed, r.prefixes)
	}
	k.fails = ""
	r.set(pppoe.SessionInfo{}, nil, a)
	r.worker.Wait()
	if got := r.stats(); got != (RouteStats{Routes: 1, Failures: 2}) {
		t.Errorf("%+v", got)
	}
	r.close(true)
	r.set(pppoe.SessionInfo{}, nil, prefixes("198.51.100.1/32"))
	if got := strings.Join(k.requests, " "); !strings.HasSuffix(got, "+198.51.100.0/32 -198.51.100.0/32") {
		t.Errorf("requests: %s", got)
	}
}

// TestRoutesOfSessions: routes outside of the pools come and go, and one that cannot be added is
// reported.
func TestRoutesOfSessions(t *testing.T) {
	inNamespace(t, func() {
		run(t, "link", "add", "lan0", "type", "veth", "peer", "lan1")
		run(t, "link", "set", "lan0", "up")
		run(t, "route", "add", "203.0.113.0/24", "dev", "lan0")
		cfg, _ := config()
		cfg.Pools = nil
		var failed []string
		cfg.RouteFailed = func(s pppoe.SessionInfo, err error) { failed = append(failed, s.User+": "+err.Error()) }
		n := open(t, cfg)
		defer n.Close()
		defer n.Device().Close()
		base := static(t)
		alice, bob := pppoe.SessionInfo{User: "alice"}, pppoe.SessionInfo{User: "bob"}
		n.SetRoutes(alice, nil, prefixes("198.51.100.0/29", "2001:db8:1::/56"))
		n.SetRoutes(bob, nil, prefixes("203.0.113.0/24"))
		n.routes.worker.Wait()
		if got := static(t); base != "" || got != "198.51.100.0/29 dev pppoe0 scope link src 192.0.2.1 2001:db8:1::/56 dev pppoe0 metric 1024 pref medium" {
			t.Errorf("before: %s; then: %s", base, got)
		}
		if len(failed) != 1 || !strings.HasPrefix(failed[0], "bob: 203.0.113.0/24 is already routed to lan0") {
			t.Errorf("failed: %q", failed)
		}
		n.SetRoutes(alice, prefixes("198.51.100.0/29", "2001:db8:1::/56"), nil)
		n.SetRoutes(bob, prefixes("203.0.113.0/24"), nil)
		n.routes.worker.Wait()
		if got := static(t); got != "" || n.Stats() != (RouteStats{Failures: 1}) {
			t.Errorf("left: %s, %+v", got, n.Stats())
		}
	})
}
