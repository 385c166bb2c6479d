package pppoe

import "testing"

// TestSlotsMove: a slot whose address will not do has that of a free slot, which has its own in
// turn: no two slots ever have one address.
func TestSlotsMove(t *testing.T) {
	s := newSlots(4, 0)
	is := func(want int) func(int) bool { return func(place int) bool { return place == want } }
	take := func() int {
		slot, ok := s.take(Addr{2})
		if !ok {
			t.Fatal("no slot is free")
		}
		return slot
	}
	places := func(want ...int) {
		t.Helper()
		for slot, place := range want {
			if got := s.placeOf(slot); got != place {
				t.Errorf("slot %d has place %d, want %d", slot, got, place)
			}
		}
	}
	take() // 0
	places(0, 1, 2, 3)
	for _, c := range []struct {
		slot   int
		willDo func(int) bool
		ok     bool
		want   []int
	}{
		{0, is(0), true, []int{0, 1, 2, 3}},
		{0, is(4), false, []int{0, 1, 2, 3}},
		{0, is(3), true, []int{3, 1, 2, 0}},
		{0, is(3), true, []int{3, 1, 2, 0}},
		{0, func(place int) bool { return place != 3 }, true, []int{1, 3, 2, 0}}, // of those, that which is free longest
	} {
		if ok := s.moveTo(c.slot, c.willDo); ok != c.ok {
			t.Errorf("slot %d: moves %v, want %v", c.slot, ok, c.ok)
		}
		places(c.want...)
	}
	take() // 1, with place 3
	if s.moveTo(1, is(1)) {
		t.Error("a slot has the place of another that is taken")
	}
	s.release(0) // with place 1
	if !s.moveTo(1, is(1)) {
		t.Error("a place that is free again is not found")
	}
	places(3, 1, 2, 0)
}

// TestSlotsOfAClient: a client has as many as each may have, and another has its own.
func TestSlotsOfAClient(t *testing.T) {
	for _, c := range []struct{ n, each, want int }{{3, 0, 3}, {3, 1, 1}, {3, 2, 2}, {3, 3, 3}, {2, 3, 2}} {
		s := newSlots(c.n, c.each)
		got := 0
		for range c.n + 1 {
			if _, ok := s.take(Addr{2}); ok {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%d slots, %d each: a client has %d, want %d", c.n, c.each, got, c.want)
		}
		if _, ok := s.take(Addr{4}); ok != (c.want < c.n) {
			t.Errorf("%d slots, %d each: another client has one: %v", c.n, c.each, ok)
		}
	}
}
