package pppoe

import (
	"encoding/binary"
	"slices"
	"testing"

	"upppoe/pppoe/wire"
)

// TestAddressMemory: who is remembered, as whom, and how many.
func TestAddressMemory(t *testing.T) {
	r := newAddressMemory(4)
	at := func(station byte, user string) SessionInfo {
		return SessionInfo{Peer: wire.Addr{2, station}, User: user}
	}
	check := func(l SessionInfo, when string, want ...int) {
		t.Helper()
		if got := r.indexesOf(l); !slices.Equal(got, want) {
			t.Errorf("%s: %v %q had places %v, want %v", when, l.Peer, l.User, got, want)
		}
	}
	check(at(1, ""), "at first")
	r.remember(at(1, ""), 7)
	check(at(1, ""), "a station", 7)
	check(at(2, ""), "another station")
	check(at(1, "alice"), "with a user, who is not known by the station")
	r.remember(at(1, ""), 8)
	check(at(1, ""), "the latest counts", 8)
	r.remember(at(1, "alice"), 9)
	check(at(1, "alice"), "a user", 9, 9)
	check(at(2, "alice"), "with a new router", 9)
	r.remember(at(2, "alice"), 10) // at two places at a time
	check(at(1, "alice"), "a user at one station", 9, 10)
	check(at(2, "alice"), "a user at the other", 10, 10)
	check(at(1, ""), "four are remembered", 8)
	r.remember(at(3, ""), 11) // the fifth: station 1 alone is longest ago
	check(at(1, ""), "and the one longest ago is forgotten")
	check(at(3, ""), "for the latest", 11)

	for i := range uint32(1000) {
		var l SessionInfo
		binary.BigEndian.PutUint32(l.Peer[2:], i)
		r.remember(l, 1)
	}
	if len(r.by) != 4 || r.order.Len() != 4 {
		t.Errorf("%d and %d are remembered, want 4", len(r.by), r.order.Len())
	}
}

// TestAddressMemoryOrder: who has come back is the latest, and is not forgotten before one who has not.
func TestAddressMemoryOrder(t *testing.T) {
	r := newAddressMemory(2)
	a, b, c := SessionInfo{Peer: wire.Addr{2, 1}}, SessionInfo{Peer: wire.Addr{2, 2}}, SessionInfo{Peer: wire.Addr{2, 3}}
	for i, l := range []SessionInfo{a, b, a, c} {
		r.remember(l, i)
	}
	if got := r.indexesOf(a); !slices.Equal(got, []int{2}) {
		t.Errorf("who has come back had places %v, want 2", got)
	}
	if got := r.indexesOf(b); got != nil {
		t.Errorf("who has not is still remembered, with %v", got)
	}
}
