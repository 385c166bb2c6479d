package server

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// TestConfigBounds: both sides of each bound.
func TestConfigBounds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		good   bool
	}{
		"delegated /64":             {func(c *Config) { c.Prefixes = newPool(t, "2001:db8:100::/56", 64) }, true},
		"delegated /65":             {func(c *Config) { c.Prefixes = newPool(t, "2001:db8:100::/56", 65) }, false},
		"delegated /63":             {func(c *Config) { c.Prefixes = newPool(t, "2001:db8:100::/56", 63) }, true},
		"network /63":               {func(c *Config) { c.Networks = newPool(t, "2001:db8:1::/48", 63) }, false},
		"network /65":               {func(c *Config) { c.Networks = newPool(t, "2001:db8:1::/48", 65) }, false},
		"address /127":              {func(c *Config) { c.Addresses = newPool(t, "2001:db8:1::/48", 127) }, false},
		"a second":                  {func(c *Config) { c.Preferred, c.Valid = time.Second, time.Second }, true},
		"less than a second":        {func(c *Config) { c.Preferred, c.Valid = time.Second-1, time.Second }, false},
		"preferred as long":         {func(c *Config) { c.Preferred, c.Valid = time.Hour, time.Hour }, true},
		"preferred longer":          {func(c *Config) { c.Preferred, c.Valid = time.Hour+1, time.Hour }, false},
		"addresses without a DUID":  {func(c *Config) { c.DUID, c.Prefixes = nil, nil }, false},
		"prefixes without a DUID":   {func(c *Config) { c.DUID, c.Addresses = nil, nil }, false},
		"neither, without a DUID":   {func(c *Config) { c.DUID, c.Addresses, c.Prefixes = nil, nil, nil }, true},
		"nothing but link-local":    {func(c *Config) { c.Networks, c.Addresses, c.Prefixes = nil, nil, nil }, true},
		"a peer that is link-local": {func(c *Config) { c.Remote = c.Remote.Next() }, true},
	} {
		cfg := testConfig(t)
		c.change(&cfg)
		if err := cfg.check(); (err == nil) != c.good || err != nil && !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDefaultLifetimes: 12 hours preferred and 24 valid; valid is not shorter than preferred.
func TestDefaultLifetimes(t *testing.T) {
	for _, c := range []struct{ preferred, valid, wantPreferred, wantValid time.Duration }{
		{0, 0, 12 * time.Hour, 24 * time.Hour}, {time.Hour, 0, time.Hour, 24 * time.Hour}, {48 * time.Hour, 0, 48 * time.Hour, 48 * time.Hour},
		{0, 13 * time.Hour, 12 * time.Hour, 13 * time.Hour},
	} {
		cfg := testConfig(t)
		cfg.Preferred, cfg.Valid = c.preferred, c.valid
		if err := cfg.check(); err != nil || cfg.Preferred != c.wantPreferred || cfg.Valid != c.wantValid {
			t.Errorf("%+v: %v and %v, %v", c, cfg.Preferred, cfg.Valid, err)
		}
	}
}

// TestDelegatedNetwork: a delegated /64 is routed to the peer, like any other prefix.
func TestDelegatedNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, func(w *fakeNetwork) { w.cfg.Prefixes = newPool(t, "2001:db8:100::/64", 64) })
		r := w.request(dhcpv6.MessageTypeRequest, &dhcpv6.OptIAPD{})
		if p := r.Options.OneIAPD().Options.Prefixes(); len(p) != 1 || p[0].Prefix.String() != "2001:db8:100::/64" {
			t.Errorf("leased are %v", p)
		}
		var via string
		for key, route := range w.Set.Routes {
			if key.To == pfx("2001:db8:100::/64") {
				via = route.Gateway.String()
			}
		}
		if via != peer.String() {
			t.Errorf("routes are %v", w.Set.Routes)
		}
		w.finish(ErrLinkGone)
	})
}
