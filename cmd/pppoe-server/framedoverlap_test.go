package main

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/config/serverconfig"
	"upppoe/ipcp"
	"upppoe/pppoe"
)

// TestFramedOverlaps: a framed route that overlaps with a pool, or has the server's address, is warned of once when the
// session begins, and when its policy is changed; by the configuration of then.
func TestFramedOverlaps(t *testing.T) {
	prefix, addr := netip.MustParsePrefix, netip.MustParseAddr
	c := &serverconfig.Config{
		IPv4:     serverconfig.IPv4{Local: addr("192.0.2.1"), First: addr("192.0.2.10")},
		Sessions: serverconfig.Sessions{Max: 32},
		Pools:    []pppoe.AddressPool{{Name: "gold", Ranges: []pppoe.AddressRange{{First: addr("198.51.100.0"), Last: addr("198.51.100.255")}}}},
		IPv6:     serverconfig.IPv6{Local: addr("2001:db8::1"), Delegated: prefix("2001:db8:100::/40"), Exclude: []netip.Prefix{prefix("2001:db8:1aa::/48")}},
	}
	var log bytes.Buffer
	o := newFramedOverlaps(c, slog.New(slog.NewTextHandler(&log, nil)))
	info := pppoe.SessionInfo{SessionID: 7, User: "alice"}
	begin := func(p *pppoe.SessionPolicy) {
		v4 := pppoe.Addressing{IPv4: ipcp.Agreement{Local: c.IPv4.Local, Remote: addr("192.0.2.10")}}
		o.notify(info, pppoe.Configured{Addressing: v4, Policy: p})
		o.notify(info, pppoe.Configured{Addressing: v4, Previous: v4, Policy: p}) // IPv6 is up, too
	}
	for route, want := range map[string][]string{
		"203.0.113.0/24":       nil,
		"192.0.2.0/29":         {"the server's address 192.0.2.1: packets to that stay"},
		"192.0.2.0/24":         {"the server's address 192.0.2.1:", `pool \"ipv4\": packets to addresses that no session has go to this client`},
		"192.0.2.41/32":        {`pool \"ipv4\"`},
		"192.0.2.42/32":        nil,
		"198.51.100.128/25":    {`pool \"gold\"`},
		"2001:db8:101::/48":    {"the IPv6 pool 2001:db8:100::/40"},
		"2001:db8:1aa:5::/64":  nil,
		"2001:db8::/32":        {"the server's address 2001:db8::1", "the IPv6 pool 2001:db8:100::/40"},
		"2001:db8:ffff:5::/64": nil,
	} {
		policy := &pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{prefix(route)}}
		for what, event := range map[string]func(){
			"begins":  func() { begin(policy) },
			"changed": func() { o.notify(info, pppoe.PolicyChanged{Policy: policy}) },
		} {
			o.limiter = newFramedOverlaps(c, nil).limiter
			log.Reset()
			event()
			if n := strings.Count(log.String(), "level=WARN"); n != len(want) {
				t.Errorf("%s, %s: %d warnings, want %d:\n%s", route, what, n, len(want), &log)
			}
			for _, text := range want {
				if !strings.Contains(log.String(), text) || strings.Count(log.String(), "session 7 of") != len(want) || !strings.Contains(log.String(), "framed route "+route) {
					t.Errorf("%s, %s: want %q in %s", route, what, text, &log)
				}
			}
		}
	}
	log.Reset()
	begin(&pppoe.SessionPolicy{VRF: "red", FramedRoutes: []netip.Prefix{prefix("192.0.2.0/24")}})
	c.Pools = nil
	o.use(c)
	begin(&pppoe.SessionPolicy{FramedRoutes: []netip.Prefix{prefix("198.51.100.0/29")}})
	if log.Len() > 0 {
		t.Errorf("in a VRF, or after a reload: %s", &log)
	}
}
