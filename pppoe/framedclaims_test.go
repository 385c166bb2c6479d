package pppoe_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// exclusiveHost is a host that routes each prefix to one device at a time.
type exclusiveHost struct {
	*host
	mu sync.Mutex
	by map[netip.Prefix]pppoe.SessionKey
}

func (h *exclusiveHost) SetFramedRoutes(l pppoe.SessionInfo, have, want []netip.Prefix) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range have {
		delete(h.by, p)
	}
	for _, p := range want {
		if _, taken := h.by[p]; taken {
			return fmt.Errorf("%v is already routed", p)
		}
		h.by[p] = l.Key()
	}
	return nil
}

func (h *exclusiveHost) Close(l pppoe.SessionInfo, have pppoe.Addressing) {
	h.host.Close(l, have)
	h.mu.Lock()
	defer h.mu.Unlock()
	for p, by := range h.by {
		if by == l.Key() {
			delete(h.by, p)
		}
	}
}

// TestFramedRouteOfDevice: a session gets the framed routes of an older one of the same user, whose
// client is lost, or has ended the session, though its device is there for some time.
func TestFramedRouteOfDevice(t *testing.T) {
	for what, leave := range map[string]func(*lab){
		"lost":  func(l *lab) { l.segment.Unplug(clientAddr) },
		"ended": func(l *lab) { l.stopClient() },
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{Delay: time.Millisecond})
			h := &exclusiveHost{host: l.serverHost, by: make(map[netip.Prefix]pppoe.SessionKey)}
			l.server.Network = h
			framed := netip.MustParsePrefix("198.51.100.0/29")
			l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy {
				return &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{framed}}
			}
			l.startServer()
			l.startClient()
			time.Sleep(time.Second)
			l.serverHost.slow = time.Second
			leave(l)
			synctest.Wait()
			second := newLab(t, ethertest.Config{})
			second.segment = l.segment
			second.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(otherAddr), nil }
			second.startClient()
			time.Sleep(10 * time.Second)
			if e, failed := last[pppoe.HostNetworkFailed](&l.serverEvents); failed {
				t.Errorf("%s: %v", what, e.Err)
			}
			h.mu.Lock()
			if got := h.by[framed]; got.Peer != otherAddr {
				t.Errorf("%s: the prefix is routed to the session of %v", what, got.Peer)
			}
			h.mu.Unlock()
			second.stopClient()
			l.segment.Plug(clientAddr)
			l.stop()
			second.running.Wait()
		})
	}
}

// TestUpdateFramedRoute: a session gets no framed route of another by Update, and both stay as they are.
func TestUpdateFramedRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSharedLab(t)
		s := l.startServer()
		framed := pppoe.SessionPolicy{FilterID: "framed", FramedRoutes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")}}
		update := func(key pppoe.SessionKey, p pppoe.SessionPolicy, want error) {
			t.Helper()
			if err := s.Update(key, p); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", p, err, want)
			}
		}
		_, stopFirst := l.dial(1)
		first := l.serverEvents.key()
		_, stopSecond := l.dial(2)
		second := l.serverEvents.key()
		update(first, framed, nil)
		update(second, framed, pppoe.ErrFramedRouteInUse)
		if is, err := s.Session(second); err != nil || is.Policy.FilterID != "" || count[pppoe.Ended](&l.serverEvents) != 0 {
			t.Errorf("the second session: %v, policy %+v; %d have ended", err, is.Policy, count[pppoe.Ended](&l.serverEvents))
		}
		update(first, pppoe.SessionPolicy{}, nil)
		is, err := s.Session(first)
		if err != nil {
			t.Fatal(err)
		}
		update(second, pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.PrefixFrom(is.IPv4.Remote, 32)}}, pppoe.ErrFramedRouteInUse)
		update(second, framed, nil)
		if synctest.Wait(); !l.routes.is("198.51.100.0/29") {
			t.Errorf("routes are %v", l.routes.routes)
		}
		stopFirst()
		stopSecond()
		synctest.Wait()
		l.end()
	})
}

// TestFramedRouteOfPool: an address of the pool that is a framed route of a session is assigned to no other while the
// pool has more; and a session that has it already keeps it, but the one that gets the framed route ends.
func TestFramedRouteOfPool(t *testing.T) {
	for _, before := range []bool{false, true} { // the address is assigned before the framed route
		synctest.Test(t, func(t *testing.T) {
			l := newSharedLab(t)
			framed := pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{netip.PrefixFrom(l.server.Pool.First.Next(), 32)}}
			if before {
				framed.FramedRoutes[0] = netip.PrefixFrom(l.server.Pool.First, 32)
			}
			l.server.Policy = func(s pppoe.SessionInfo) *pppoe.SessionPolicy {
				if s.Peer == (wire.Addr{2, 9, 1}) {
					return &framed
				}
				return &pppoe.SessionPolicy{}
			}
			s := l.startServer()
			numbers := []byte{1, 2}
			if before {
				numbers = []byte{2, 1}
			}
			for _, number := range numbers {
				_, stop := l.dial(number)
				defer stop()
			}
			var online []byte
			for is := range s.Sessions() {
				online = append(online, is.Peer[2])
				if is.Peer[2] == 2 && netip.PrefixFrom(is.IPv4.Remote, 32) == framed.FramedRoutes[0] != before {
					t.Errorf("assigned before: %v; the other session has %v", before, is.IPv4.Remote)
				}
			}
			slices.Sort(online)
			if want := []byte{1, 2}; !before && !slices.Equal(online, want) || before && !slices.Equal(online, want[1:]) {
				t.Errorf("assigned before: %v; sessions of %v are online", before, online)
			}
			l.end()
		})
	}
}
