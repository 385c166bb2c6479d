package main

import (
	"context"
	"errors"
	"net/netip"
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

func TestIPv6PrefixLength(t *testing.T) {
	s := parse(t, "eth0", "dhcp6-prefix", "56")
	s.StateDir = t.TempDir()
	cfg := newIPv6(s, &hostnet.Host{}, silent(), nil).config(pppoe.Line{Device: "ppp0"}, netip.MustParseAddr("fe80::1"))
	if !cfg.RequestPrefix || cfg.PrefixLength != 56 {
		t.Errorf("asked for a prefix: %v, of length %d", cfg.RequestPrefix, cfg.PrefixLength)
	}
}
