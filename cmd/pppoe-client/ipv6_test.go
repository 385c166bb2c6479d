package main

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/hostnet"
	"upppoe/internal/inet6"
	"upppoe/pppoe"
)

func TestIPv6Config(t *testing.T) {
	local := netip.MustParseAddr("fe80::1")
	for _, words := range [][]string{
		{},
		{"nodhcp6"},
		{"dhcp6-address"},
		{"dhcp6-prefix", "0"},
		{"dhcp6-prefix", "56"},
		{"dhcp6-prefix", "64", "dhcp6-lan", "lan0", "dhcp6-lan", "lan1", "dhcp6-lan-ra"},
		{"dhcp6-lan", "lan0", "nodhcp6"},
		{"nodhcp6", "dhcp6-lan", "lan0"},
		{"nodhcp6", "dhcp6-address"},
		{"dhcp6-lan", "lan0", "dhcp6-lan", "lan0"},
	} {
		s := parse(t, append([]string{"eth0"}, words...)...)
		s.StateDir = t.TempDir()
		cfg := newIPv6(s, &hostnet.Host{}, silent(), nil).config(pppoe.Line{Device: "nowhere0"}, local)
		// What fails is the device that is not there, not what is asked for.
		if err := inet6.Run(context.Background(), cfg); err == nil || errors.Is(err, inet6.ErrConfig) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

// TestIPv6DefaultRoute: defaultroute is content with a router that advertises itself; only
// defaultroute6 has a route without one, and nodefaultroute6 has none. The last word counts.
func TestIPv6DefaultRoute(t *testing.T) {
	for words, want := range map[string]struct{ advertised, without bool }{
		"":                             {},
		"defaultroute":                 {advertised: true},
		"defaultroute6":                {without: true},
		"defaultroute defaultroute6":   {advertised: true, without: true},
		"defaultroute nodefaultroute6": {},
		"nodefaultroute6 defaultroute": {},
		"defaultroute defaultroute6 nodefaultroute6": {},
		"nodefaultroute6 defaultroute6":              {without: true},
		"nodefaultroute6 defaultroute6 defaultroute": {advertised: true, without: true},
	} {
		s := parse(t, append([]string{"eth0", "nodhcp6"}, strings.Fields(words)...)...)
		cfg := newIPv6(s, &hostnet.Host{}, silent(), nil).config(pppoe.Line{Device: "ppp0"}, netip.MustParseAddr("fe80::1"))
		if cfg.DefaultRoute != want.advertised || cfg.WithoutRouter != want.without {
			t.Errorf("%q: to a router %v, without one %v, want %+v", words, cfg.DefaultRoute, cfg.WithoutRouter, want)
		}
		if h := host(s, silent()); h.DefaultRoute6 {
			t.Errorf("%q: the host sets the route too", words)
		}
	}
}

func TestIPv6PrefixLength(t *testing.T) {
	s := parse(t, "eth0", "dhcp6-prefix", "56")
	s.StateDir = t.TempDir()
	cfg := newIPv6(s, &hostnet.Host{}, silent(), nil).config(pppoe.Line{Device: "ppp0"}, netip.MustParseAddr("fe80::1"))
	if !cfg.RequestPrefix || cfg.PrefixLength != 56 {
		t.Errorf("asked for a prefix: %v, of length %d", cfg.RequestPrefix, cfg.PrefixLength)
	}
}
