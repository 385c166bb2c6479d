package ebpf

import "testing"

// TestSlotsReused: a slot that was freed is used again only after all other free ones.
func TestSlotsReused(t *testing.T) {
	s := newSlots(4)
	var order []uint32
	last := make(map[uint32]int)
	for n := range 10 * s.size() {
		slot, _, ok := s.allocate()
		if before, used := last[slot]; !ok || used && n-before < s.size()-4 {
			t.Fatalf("number %d has slot %d, as number %d had: %v", n, slot, before, ok)
		}
		last[slot], order = n, append(order, slot)
		if n%2 == 1 {
			s.release(slot)
			s.release(order[n-1])
		}
	}
	for n := range 4 {
		if _, _, ok := s.allocate(); !ok {
			t.Fatalf("number %d of 4 has no slot", n)
		}
	}
	if _, _, ok := s.allocate(); ok {
		t.Error("there are more slots in use than sessions")
	}
}
