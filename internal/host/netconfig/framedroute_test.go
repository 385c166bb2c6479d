package netconfig

import (
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
)

// prefixes parses prefixes.
func prefixes(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// TestFramedRoutes: routes change while the session is open, and go with it.
func TestFramedRoutes(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		routes := func() string {
			return strings.Join(strings.Fields(ip(t, "route", "show", "proto", "static")+ip(t, "-6", "route", "show", "proto", "static")), " ")
		}
		h := &Configurer{Log: discard()}
		down := up(t, h)
		info := pppoe.SessionInfo{Device: "ppp0"}
		var have []netip.Prefix
		for _, c := range []struct {
			want   []netip.Prefix
			routes string
		}{
			{prefixes("198.51.100.0/29", "2001:db8:1::/48"), "198.51.100.0/29 dev ppp0 scope link 2001:db8:1::/48 dev ppp0 metric 1024 pref medium"},
			{prefixes("198.51.100.8/32", "2001:db8:1::/48"), "198.51.100.8 dev ppp0 scope link 2001:db8:1::/48 dev ppp0 metric 1024 pref medium"},
			{nil, ""},
			{prefixes("198.51.100.0/29"), "198.51.100.0/29 dev ppp0 scope link"},
		} {
			if err := h.SetFramedRoutes(info, have, c.want); err != nil {
				t.Errorf("%v: %v", c.want, err)
			}
			if got := routes(); got != c.routes {
				t.Errorf("%v: the routes are %q, want %q", c.want, got, c.routes)
			}
			have = c.want
		}
		down()
		if got := routes(); got != "" {
			t.Errorf("routes are left: %s", got)
		}
		if err := h.SetFramedRoutes(info, nil, have); err == nil {
			t.Error("routes of a session without a device")
		}
	})
}

// TestFramedRouteTaken: a prefix of another session is an error that names it and its device, and
// nothing of that call stays.
func TestFramedRouteTaken(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		h := &Configurer{Log: discard()}
		var infos []pppoe.SessionInfo
		for id := range uint16(2) {
			dev, err := h.Open(pppoe.SessionInfo{SessionID: id})
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			info := pppoe.SessionInfo{SessionID: id, Device: dev.Name()}
			want := agreed
			want.IPv4.Remote = netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + id)})
			if err := h.Configure(info, pppoe.Addressing{}, want); err != nil {
				t.Fatal(err)
			}
			infos = append(infos, info)
		}
		if err := h.SetFramedRoutes(infos[0], nil, prefixes("198.51.100.0/29")); err != nil {
			t.Fatal(err)
		}
		err := h.SetFramedRoutes(infos[1], nil, prefixes("203.0.113.0/24", "198.51.100.0/29"))
		if err == nil || !strings.Contains(err.Error(), "ppp1: add route to 198.51.100.0/29: 198.51.100.0/29 is already routed to ppp0") {
			t.Errorf("a prefix of another session: %v", err)
		}
		if got := ip(t, "route", "show", "203.0.113.0/24"); got != "" {
			t.Errorf("after the error there is a route %s", got)
		}
		for _, info := range infos {
			h.Close(info, agreed)
		}
	})
}
