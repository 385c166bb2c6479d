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
	for id, want := range map[int]string{0: "192.0.2.254", 1: "192.0.2.255", 2: "192.0.3.0"} {
		a := p.Address(id)
		index, ok := p.indexOf(a)
		if a != addr4(want) || !ok || index != id || p.addrAt(index) != a {
			t.Errorf("slot %d has %v, want %v; its index is %d, %v", id, a, want, index, ok)
		}
	}
	for _, outside := range []string{"192.0.2.253", "192.0.3.1", "0.0.0.0", "255.255.255.255", "2001:db8::1"} {
		if index, ok := p.indexOf(addr4(outside)); ok {
			t.Errorf("%s has index %d", outside, index)
		}
	}
	if a := p.Address(-1); a.IsValid() {
		t.Errorf("slot -1 has %v", a)
	}
	if _, ok := (Pool{Max: 3}).indexOf(addr4("192.0.2.1")); ok {
		t.Error("a pool without addresses has indexes")
	}
}

// TestSlotsBounds: as many slots are taken as there are; a slot that is released is taken again.
func TestSlotsBounds(t *testing.T) {
	s := newSlots(2, 0, AccessConfig{})
	for want := range 2 {
		if slot, ok := takeSlot(s, wire.Addr{2}, nil); !ok || slot != want {
			t.Errorf("slot %d, %v, want %d", slot, ok, want)
		}
	}
	if _, ok := takeSlot(s, wire.Addr{2}, nil); ok {
		t.Error("a third slot of two is taken")
	}
	s.release(1)
	if slot, ok := takeSlot(s, wire.Addr{2}, nil); !ok || slot != 1 {
		t.Errorf("after a release, slot %d, %v", slot, ok)
	}
}
