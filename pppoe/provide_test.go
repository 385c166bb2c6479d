package pppoe

import (
	"net/netip"
	"testing"

	"upppoe/pppoe/wire"
)

// TestProvide: addresses are assigned only of ranges that are provided, and a range is withdrawn only when no
// session has one of its addresses.
func TestProvide(t *testing.T) {
	pool := AddressPool{Name: "gold", Ranges: []AddressRange{{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.9")}}}
	s := &Server{addresses: newAddressTable([]AddressPool{pool}, 16, true)}
	request := func(slot int) (netip.Addr, error) {
		return s.addresses.assign(addressRequest{info: SessionInfo{Unit: slot, Peer: wire.Addr{2, byte(slot)}}, pool: "gold", leaving: func(int) bool { return false }})
	}
	stats := func(size, used, free, withheld uint64) {
		t.Helper()
		if got := s.Pools()[0]; got.Size != size || got.Used != used || got.Free != free || got.Withheld != withheld {
			t.Errorf("%d addresses, %d used, %d free, %d withheld: want %d, %d, %d, %d", got.Size, got.Used, got.Free, got.Withheld, size, used, free, withheld)
		}
	}
	block := AddressRange{netip.MustParseAddr("192.0.2.0"), netip.MustParseAddr("192.0.2.3")}
	stats(8, 0, 0, 8)
	if a, err := request(0); err == nil {
		t.Errorf("%v is assigned", a)
	}
	if n := s.Provide(block); n != 2 || s.Provide(block) != 2 {
		t.Errorf("%d addresses are provided", n)
	}
	stats(8, 0, 2, 6)
	for slot := range 2 {
		if a, err := request(slot); err != nil || !block.Contains(a) {
			t.Errorf("slot %d has %v, %v", slot, a, err)
		}
	}
	if _, err := request(2); err == nil || s.Withdraw(block, false) {
		t.Error("more than there are")
	}
	stats(8, 2, 0, 6)
	s.addresses.releaseLease(0)
	if !s.Withdraw(block, true) {
		t.Error("not withdrawn by force")
	}
	stats(8, 1, 0, 7)
	s.addresses.releaseLease(1)
	stats(8, 0, 0, 8)
	if !s.addresses.isWithheld(netip.MustParseAddr("192.0.2.2")) || s.addresses.isWithheld(netip.MustParseAddr("192.0.2.1")) {
		t.Error("what is withheld")
	}
	s.Provide(block)
	s.addresses.setPools([]AddressPool{{Name: "gold", Ranges: []AddressRange{{netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.19")}}}})
	stats(18, 0, 2, 16)
}
