package linux

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/pppoe"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// TestSharedNetwork: the device exists until Close, and its routes are those of sessions' prefixes
// outside of the pools.
func TestSharedNetwork(t *testing.T) {
	labtest.InNamespace(t, func() error {
		cfg := SharedNetworkConfig{Name: "bng0", IPv4: netip.MustParseAddr("192.0.2.1"), Pools: PoolPrefixes(pppoe.Pool{First: netip.MustParseAddr("192.0.2.16"), Max: 16})}
		n, err := NewSharedNetwork(cfg)
		if err != nil {
			return err
		}
		if _, err := NewSharedNetwork(cfg); !errors.Is(err, tun.ErrNameTaken) {
			t.Errorf("a second one: %v, want %v", err, tun.ErrNameTaken)
		}
		server := n.ServerConfig()
		if n.Name() != "bng0" || server.Device.Name() != "bng0" {
			t.Errorf("the device is %s", n.Name())
		}
		for text, want := range map[string]bool{"192.0.2.17/32": false, "192.0.2.32/32": true} {
			if got := server.Routes.NeedsRoute(netip.MustParsePrefix(text)); got != want {
				t.Errorf("%s needs a route: %v, want %v", text, got, want)
			}
		}
		err = n.Close()
		if _, missing := netlink.LinkByName("bng0"); missing == nil {
			t.Error("the device is left behind")
		}
		return err
	})
}

// TestSharedNetworkConfigIsChecked: the error names the field.
func TestSharedNetworkConfigIsChecked(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.1")
	for field, cfg := range map[string]SharedNetworkConfig{
		"IPv4": {}, "IPv6": {IPv4: address, IPv6: address}, "Queues": {IPv4: address, Queues: -1}, "MTU": {IPv4: address, MTU: -1}, "Table": {IPv4: address, Table: -1},
	} {
		if _, err := NewSharedNetwork(cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), field+" is ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestPoolPrefixes: the prefixes of a pool are its addresses.
func TestPoolPrefixes(t *testing.T) {
	for _, c := range []struct {
		pool pppoe.Pool
		want []string
	}{
		{pppoe.Pool{}, nil},
		{pppoe.Pool{First: netip.MustParseAddr("192.0.2.0")}, []string{"192.0.2.0/26"}},
		{pppoe.Pool{First: netip.MustParseAddr("192.0.2.1"), Max: 3}, []string{"192.0.2.1/32", "192.0.2.2/31"}},
	} {
		var got []string
		for _, p := range PoolPrefixes(c.pool) {
			got = append(got, p.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.pool, got, c.want)
		}
	}
}

// TestAddressPoolPrefixes: ranges that follow each other have common prefixes, and what is excluded has none.
func TestAddressPoolPrefixes(t *testing.T) {
	parse := func(text string) pppoe.AddressRange {
		r, err := pppoe.ParseAddressRange(text)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	got := AddressPoolPrefixes([]pppoe.AddressPool{
		{Ranges: []pppoe.AddressRange{parse("192.0.2.8/29"), parse("198.51.100.0/30")}, Exclude: []pppoe.AddressRange{parse("198.51.100.0")}},
		{Ranges: []pppoe.AddressRange{parse("192.0.2.0"), parse("192.0.2.1-7")}},
	})
	want := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/28"), netip.MustParsePrefix("198.51.100.1/32"), netip.MustParsePrefix("198.51.100.2/31")}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
