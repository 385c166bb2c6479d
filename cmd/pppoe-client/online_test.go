package main

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// TestOnline: ready is called once, when both families are up, unless one fails, is not wanted or is slow.
func TestOnline(t *testing.T) {
	ipv4 := pppoe.Addressing{IPv4: ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.10")}}
	ipv6 := pppoe.Addressing{IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}}}
	both := pppoe.Addressing{IPv4: ipv4.IPv4, IPv6: ipv6.IPv6}
	for _, c := range []struct {
		what     string
		settings pppd.Settings
		events   []pppoe.Event
		after    time.Duration // -1: never
	}{
		{"nothing", pppd.Settings{}, nil, -1},
		{"a device alone", pppd.Settings{}, []pppoe.Event{pppoe.DeviceOpened{}, session.NetworkPhase{}}, -1},
		{"both", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv4}, pppoe.Configured{Addressing: both}}, 0},
		{"IPv4, and nothing of IPv6", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv4}}, ipv6Timeout},
		{"IPv6, and nothing of IPv4", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv6}}, ipv4Timeout},
		{"IPv6, and IPv4 after it", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv6}, pppoe.Configured{Addressing: both}}, 0},
		{"IPv6, and IPv4 fails after it", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv6}, session.NetworkFailed{Protocol: ppp.IPCP}}, 0},
		{"IPv6 fails after IPv4", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv4}, session.NetworkFailed{Protocol: ppp.IPv6CP}}, 0},
		{"IPv4, which is lost at once", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv4}, pppoe.NetworkLost{Protocol: ppp.IPCP}}, -1},
		{"a session that ends at once", pppd.Settings{}, []pppoe.Event{pppoe.Configured{Addressing: ipv4}, pppoe.Ended{}}, -1},
		{"IPv6 is refused in a session that ends", pppd.Settings{}, []pppoe.Event{session.NetworkFailed{Protocol: ppp.IPv6CP}, pppoe.Ended{}, pppoe.Configured{Addressing: ipv4}}, ipv6Timeout},
		{"IPv4, and IPv6 is refused first", pppd.Settings{}, []pppoe.Event{session.NetworkFailed{Protocol: ppp.IPv6CP}, pppoe.Configured{Addressing: ipv4}}, 0},
		{"IPv4, where IPv6 is not wanted", pppd.Settings{NoIPv6: true}, []pppoe.Event{pppoe.Configured{Addressing: ipv4}}, 0},
		{"IPv6, where IPv4 is not wanted", pppd.Settings{NoIP: true}, []pppoe.Event{pppoe.Configured{Addressing: ipv6}}, 0},
		{"nobody waits", pppd.Settings{NoIP: true}, []pppoe.Event{pppoe.Configured{Addressing: ipv6}}, -2},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, ready := time.Now(), []time.Duration{}
			c.settings.NotifySystemd = c.after != -2
			o := newOnline(&c.settings, func() { ready = append(ready, time.Since(began)) })
			for _, e := range c.events {
				o.handle(e)
			}
			time.Sleep(time.Millisecond)
			if n := len(c.events); n > 0 { // the last again
				o.handle(c.events[n-1])
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			switch {
			case c.after < 0 && len(ready) > 0:
				t.Errorf("%s: ready after %v", c.what, ready)
			case c.after >= 0 && (len(ready) != 1 || ready[0] != c.after):
				t.Errorf("%s: ready after %v, want once after %v", c.what, ready, c.after)
			}
		})
	}
}
