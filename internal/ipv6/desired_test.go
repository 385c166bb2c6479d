package ipv6

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func testConfig() Config {
	return Config{
		Device: "ppp0", Local: netip.MustParseAddr("fe80::2"), DefaultRoute: true, DeviceDefaultRoute: true, RequestPrefix: true,
		DUID: dhcp6.DUID{0, 3, 0, 1, 2, 3}, LANs: []LAN{{Interface: "lan0"}, {Interface: "lan1", Subnet: 5}}, Log: slog.New(slog.DiscardHandler),
	}
}

func TestFirstAddress(t *testing.T) {
	for _, c := range []struct {
		prefix string
		subnet uint64
		want   string
	}{
		{"2001:db8:100::/56", 0, "2001:db8:100::1/64"},
		{"2001:db8:100::/56", 255, "2001:db8:100:ff::1/64"},
		{"2001:db8:100::/56", 256, ""},
		{"2001:db8:100:1::/64", 0, "2001:db8:100:1::1/64"},
		{"2001:db8:100:1::/64", 1, ""},
		{"2001:db8::/32", 1 << 31, "2001:db8:8000::1/64"},
	} {
		got, ok := firstAddress(pfx(c.prefix), c.subnet)
		if ok != (c.want != "") || ok && got != pfx(c.want) {
			t.Errorf("network %d of %s has %v, want %q", c.subnet, c.prefix, got, c.want)
		}
	}
}

// TestDesiredDelegated: each LAN gets its subnet, the rest of the prefix is unreachable.
func TestDesiredDelegated(t *testing.T) {
	cfg := testConfig()
	life := lifetime.New(time.Now(), time.Minute, time.Hour)
	set, s := cfg.desired(&radv.HostState{}, &dhcp6.Configuration{Prefixes: []dhcp6.Lease{{Prefix: pfx("2001:db8:100::/60"), Lifetime: life}}})
	for _, c := range []struct{ iface, prefix string }{{"lan0", "2001:db8:100::1/64"}, {"lan1", "2001:db8:100:5::1/64"}} {
		if got := set.Addresses[netif.AddressKey{Interface: c.iface, Prefix: pfx(c.prefix)}]; !got.Shared || got.Lifetime != life {
			t.Errorf("%s has %+v", c.iface, set.Addresses)
		}
	}
	for _, key := range []netif.RouteKey{
		{To: pfx("2001:db8:100::/60"), Metric: unreachableMetric}, {To: defaultDestination, Device: "ppp0"},
		{To: pfx("2001:db8:100::/64"), Metric: 256, Device: "lan0"}, {To: pfx("2001:db8:100:5::/64"), Metric: 256, Device: "lan1"},
	} {
		if _, ok := set.Routes[key]; !ok {
			t.Errorf("no route %+v", key)
		}
	}
	if len(set.Routes) != 4 || len(set.Addresses) != 2 {
		t.Errorf("routes are %v, addresses %v", set.Routes, set.Addresses)
	}
	if len(s.Delegated) != 1 || len(s.LANs) != 2 || s.LANs[1].Interface != "lan1" {
		t.Errorf("state is %+v", s)
	}
}

func TestPrefixHint(t *testing.T) {
	cfg := testConfig()
	if cfg.prefixHint().IsValid() {
		t.Errorf("requests %v without configuration", cfg.prefixHint())
	}
	cfg.PrefixLength = 56
	if got := cfg.prefixHint(); got != pfx("::/56") {
		t.Errorf("asks for %v", got)
	}
	cfg.PrefixHint = pfx("2001:db8:100::/48")
	if got := cfg.prefixHint(); got != cfg.PrefixHint {
		t.Errorf("asks for %v", got)
	}
}

func TestDesiredDefaultRoute(t *testing.T) {
	cfg := testConfig()
	cfg.Metric, cfg.Table = 50, 7
	key := netif.RouteKey{To: defaultDestination, Metric: 50, Table: 7, Device: "ppp0"}
	set, s := cfg.desired(&radv.HostState{}, &dhcp6.Configuration{})
	if r, ok := set.Routes[key]; !ok || r.Gateway.IsValid() || !s.DefaultRoute.Set {
		t.Errorf("without a router: %v, %+v", set.Routes, s.DefaultRoute)
	}
	router := netip.MustParseAddr("fe80::1")
	view := &radv.HostState{MTU: 1400, Routers: []radv.Router{{Addr: router}}}
	set, s = cfg.desired(view, &dhcp6.Configuration{})
	if r := set.Routes[key]; r != (netif.Route{Gateway: router, MTU: 1400}) || s.DefaultRoute.Gateway != router || len(set.Routes) != 1 {
		t.Errorf("with a router: %v, %+v", set.Routes, s.DefaultRoute)
	}
	for _, c := range []struct {
		advertised, without bool // configuration
		router              bool
		set                 bool
	}{
		{advertised: true, router: true, set: true},
		{advertised: true, router: false, set: false},
		{without: true, router: true, set: true},
		{without: true, router: false, set: true},
		{router: true, set: false},
		{router: false, set: false},
	} {
		cfg.DefaultRoute, cfg.DeviceDefaultRoute = c.advertised, c.without
		view := &radv.HostState{}
		if c.router {
			view.Routers = []radv.Router{{Addr: router}}
		}
		set, s := cfg.desired(view, &dhcp6.Configuration{})
		if (len(set.Routes) == 1) != c.set || s.DefaultRoute.Set != c.set || (s.DefaultRoute.Gateway == router) != (c.set && c.router) {
			t.Errorf("%+v: %v, %+v", c, set.Routes, s.DefaultRoute)
		}
	}
}

// TestDesiredRules: one rule for each address and for each delegated prefix.
func TestDesiredRules(t *testing.T) {
	cfg := testConfig()
	view := &radv.HostState{Addresses: []radv.Address{{Prefix: pfx("2001:db8:1::2/64")}}}
	lease := &dhcp6.Configuration{Prefixes: []dhcp6.Lease{{Prefix: pfx("2001:db8:100::/56")}}}
	if set, _ := cfg.desired(view, lease); len(set.Rules) > 0 {
		t.Errorf("rules without configuration: %v", set.Rules)
	}
	cfg.Rules, cfg.Table = true, 7
	set, _ := cfg.desired(view, lease)
	if len(set.Rules) != 2 || !set.Rules[netif.Rule{From: pfx("2001:db8:1::2/128"), Table: 7}] || !set.Rules[netif.Rule{From: pfx("2001:db8:100::/56"), Table: 7}] {
		t.Errorf("rules are %v", set.Rules)
	}
}

func TestDesiredNameServers(t *testing.T) {
	cfg := testConfig()
	a, b, c := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("2001:db8::2")
	_, s := cfg.desired(&radv.HostState{NameServers: []netip.Addr{b, a}, SearchDomains: []string{"x", "y"}}, &dhcp6.Configuration{NameServers: []netip.Addr{a, c}, SearchDomains: []string{"y"}})
	if len(s.NameServers) != 3 || s.NameServers[0] != a || s.NameServers[1] != c || s.NameServers[2].String() != "fe80::1%ppp0" || strings.Join(s.SearchDomains, " ") != "y x" {
		t.Errorf("servers %v, domains %v", s.NameServers, s.SearchDomains)
	}
}

func TestBadConfig(t *testing.T) {
	for name, spoil := range map[string]func(*Config){
		"no device":        func(c *Config) { c.Device = "" },
		"not link-local":   func(c *Config) { c.Local = netip.MustParseAddr("2001:db8::1") },
		"no local":         func(c *Config) { c.Local = netip.Addr{} },
		"no DUID":          func(c *Config) { c.DUID = nil },
		"DHCP forbidden":   func(c *Config) { c.NoDHCP = true },
		"prefix too long":  func(c *Config) { c.PrefixHint = pfx("2001:db8::/65") },
		"length too long":  func(c *Config) { c.PrefixLength = 65 },
		"negative length":  func(c *Config) { c.PrefixLength = -1 },
		"no prefix":        func(c *Config) { c.PrefixHint = pfx("::/0") },
		"IPv4 prefix":      func(c *Config) { c.PrefixHint = pfx("192.0.2.0/24") },
		"no network":       func(c *Config) { c.PrefixHint = pfx("fe80::/56") },
		"no address":       func(c *Config) { c.AddressHint = netip.MustParseAddr("ff02::1") },
		"the line as LAN":  func(c *Config) { c.LANs[0].Interface = "ppp0" },
		"same LAN":         func(c *Config) { c.LANs[1].Interface = "lan0" },
		"same network":     func(c *Config) { c.LANs[1].Subnet = 0 },
		"LAN, no prefix":   func(c *Config) { c.RequestPrefix = false },
		"rules, no table":  func(c *Config) { c.Rules = true },
		"LAN without name": func(c *Config) { c.LANs[0].Interface = "" },
	} {
		cfg := testConfig()
		if err := cfg.check(); err != nil {
			t.Fatal(err)
		}
		spoil(&cfg)
		if err := Run(t.Context(), cfg); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
