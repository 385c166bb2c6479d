package pppoe

import (
	"net/netip"
	"testing"

	"upppoe/pppoe/wire"
)

func addr4(text string) netip.Addr { return netip.MustParseAddr(text) }

// TestPoolIndexes: addresses of indexes, and indexes of addresses, at both ends of the pool.
func TestPoolIndexes(t *testing.T) {
	p := Pool{Max: 3, First: addr4("192.0.2.254")}
	for id, want := range map[uint16]string{1: "192.0.2.254", 2: "192.0.2.255", 3: "192.0.3.0"} {
		a := p.Address(id)
		index, ok := p.indexOf(a)
		if a != addr4(want) || !ok || index != int(id)-1 || p.addrAt(index) != a {
			t.Errorf("session %d has %v, want %v; its index is %d, %v", id, a, want, index, ok)
		}
	}
	for _, outside := range []string{"192.0.2.253", "192.0.3.1", "0.0.0.0", "255.255.255.255", "2001:db8::1"} {
		if index, ok := p.indexOf(addr4(outside)); ok {
			t.Errorf("%s has index %d", outside, index)
		}
	}
	if a := p.Address(0); a.IsValid() {
		t.Errorf("session 0 has %v", a)
	}
	if _, ok := (Pool{Max: 3}).indexOf(addr4("192.0.2.1")); ok {
		t.Error("a pool without addresses has indexes")
	}
}

// TestSlotsBounds: which slots are free, at both ends.
func TestSlotsBounds(t *testing.T) {
	s := newSlots(2, 0)
	for slot, want := range map[int]bool{-1: false, 0: true, 1: true, 2: false} {
		if s.isFree(slot) != want {
			t.Errorf("slot %d is free: %v", slot, !want)
		}
	}
	s.take(wire.Addr{2}, nil)
	if s.isFree(0) || !s.isFree(1) {
		t.Error("the first is taken, and not the second")
	}
	s.take(wire.Addr{2}, nil)
	if _, ok := s.take(wire.Addr{2}, nil); ok {
		t.Error("a third slot of two is taken")
	}
	s.release(0)
	if !s.isFree(0) {
		t.Error("what is given back is not free")
	}
}
