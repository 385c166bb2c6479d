package main

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"upppoe/internal/host/netconfig"
	"upppoe/internal/ipv6"
	"upppoe/internal/ipv6/dhcp6"
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
		{"noipv6autoconf", "dhcp6-prefix", "0", "dhcp6-lan", "lan0"},
		{"dhcp6-request", "aftr", "dhcp6-request", "ntp", "dhcp6-request", "s46"},
		{"dhcp6-request", "aftr", "nodhcp6"},
	} {
		s := parse(t, append([]string{"eth0"}, words...)...)
		s.StateDir = t.TempDir()
		cfg := newIPv6(s, &netconfig.Configurer{}, silent(), nil).config(pppoe.SessionInfo{Device: "nowhere0"}, local)
		// It must fail as the device does not exist, not for its configuration.
		if err := ipv6.Run(context.Background(), cfg); err == nil || errors.Is(err, ipv6.ErrConfig) {
			t.Errorf("%q: %v", words, err)
		}
	}
}

// TestIPv6DefaultRoute: defaultroute needs a router that advertises itself, defaultroute6 does not, and
// nodefaultroute6 sets no route. The last option wins.
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
		cfg := newIPv6(s, &netconfig.Configurer{}, silent(), nil).config(pppoe.SessionInfo{Device: "ppp0"}, netip.MustParseAddr("fe80::1"))
		if cfg.DefaultRoute != want.advertised || cfg.DeviceDefaultRoute != want.without {
			t.Errorf("%q: to a router %v, without one %v, want %+v", words, cfg.DefaultRoute, cfg.DeviceDefaultRoute, want)
		}
		if h := host(s, silent()); h.DefaultRoute6 {
			t.Errorf("%q: the host sets the route too", words)
		}
	}
}

func TestIPv6PrefixLength(t *testing.T) {
	s := parse(t, "eth0", "dhcp6-prefix", "56")
	s.StateDir = t.TempDir()
	cfg := newIPv6(s, &netconfig.Configurer{}, silent(), nil).config(pppoe.SessionInfo{Device: "ppp0"}, netip.MustParseAddr("fe80::1"))
	if !cfg.RequestPrefix || cfg.PrefixLength != 56 {
		t.Errorf("a prefix is requested: %v, of length %d", cfg.RequestPrefix, cfg.PrefixLength)
	}
}

// TestGlobalIPv6: noipv6autoconf disables addresses from routers, but not what options request by
// DHCPv6.
func TestGlobalIPv6(t *testing.T) {
	for words, want := range map[string]bool{
		"": true, "noipv6": false, "noipv6autoconf": false, "noipv6autoconf dhcp6-prefix 0": true, "noipv6autoconf dhcp6-address": true,
		"noipv6autoconf dhcp6-lan lan0": true, "noipv6autoconf dhcp6-request ntp": true, "noipv6autoconf dhcp6-request ntp nodhcp6": false,
		"noipv6 dhcp6-prefix 0": false, "nodhcp6": true,
	} {
		s := parse(t, append([]string{"eth0"}, strings.Fields(words)...)...)
		s.StateDir = t.TempDir()
		h := &netconfig.Configurer{}
		v := newIPv6(s, h, silent(), nil)
		if (v != nil) != want {
			t.Errorf("%q: IPv6 is %v", words, v)
		}
		s.DefaultRoute6 = true
		if got := host(s, silent()).DefaultRoute6; got == want {
			t.Errorf("%q: the host itself sets the default route: %v", words, got)
		}
		if v == nil {
			continue
		}
		v.advertised = "/lans"
		cfg := v.config(pppoe.SessionInfo{Device: "ppp0"}, netip.MustParseAddr("fe80::1"))
		if cfg.NoAutoconf != strings.Contains(words, "noipv6autoconf") || cfg.OptionRequest.NTP != strings.HasSuffix(words, "ntp") || cfg.PrefixFile != "/lans" {
			t.Errorf("%q: %+v", words, cfg)
		}
	}
}

// TestServices: what DHCPv6 tells, as scripts and events have it.
func TestServices(t *testing.T) {
	a := []netip.Addr{netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")}
	s := &dhcp6.Services{AFTR: "aftr.example", NTP: a, NTPNames: []string{"n", "m"}, SNTP: a[:1], MAPE: []string{"e", "f"}, MAPT: []string{"t"}, LW4o6: []string{"l"}, FourRD: "00"}
	want := []string{
		"AFTR=aftr.example", "NTP_IP=2001:db8::1 2001:db8::2", "NTP_FQDN=n m", "SNTP_IP=2001:db8::1", "MAPE=e f", "MAPT=t", "LW4O6=l", "FOURRD=00",
	}
	if got := serviceEnv(s); !slices.Equal(got, want) {
		t.Errorf("scripts have %q, want %q", got, want)
	}
	if got := serviceEnv(&dhcp6.Services{}); len(got) != 0 {
		t.Errorf("of nothing scripts have %q", got)
	}
	got := serviceEvent(s)
	if got.AFTR != "aftr.example" || strings.Join(got.NTP, " ") != "2001:db8::1 2001:db8::2 n m" || strings.Join(got.SNTP, " ") != "2001:db8::1" ||
		strings.Join(got.MAPE, " ") != "e f" || strings.Join(got.MAPT, " ") != "t" || strings.Join(got.LW4o6, " ") != "l" || got.FourRD != "00" {
		t.Errorf("events have %+v", got)
	}
}
