package main

import (
	"testing"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// TestRegistryIsBounded: the number of known concentrators is limited, and forged ones disappear.
func TestRegistryIsBounded(t *testing.T) {
	r := newRegistry(&flags{missed: 1})
	reported := 0
	for i := range maxKnown + 100 {
		addr := wire.Addr{2, 1, byte(i >> 24), byte(i >> 16), byte(i >> 8), byte(i)}
		reported += len(r.observe(time.Time{}, pppoe.ScanResult{Offer: discovery.Offer{AC: addr, Tags: named("forged")}}))
	}
	if reported != maxKnown || len(r.known) != maxKnown {
		t.Errorf("%d are reported, and %d known, want %d", reported, len(r.known), maxKnown)
	}
	r.round(time.Time{})
	if events := r.round(time.Time{}); len(events) != maxKnown || len(r.known)+len(r.order)+len(r.named) != 0 {
		t.Errorf("%d are gone, and %d still known", len(events), len(r.known))
	}
}
