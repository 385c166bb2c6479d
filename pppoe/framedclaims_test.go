package pppoe_test

import (
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
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
