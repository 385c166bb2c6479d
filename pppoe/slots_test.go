package pppoe

import (
	"slices"
	"testing"
	"time"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// takeSlot takes a slot for a client.
func takeSlot(s *slots, client wire.Addr, at *serverLoop) (slot int, ok bool) {
	slot, err := s.take(limit.Origin{Client: client}, at)
	return slot, err == nil
}

// TestSlotsAssignIndex: a slot whose address is not usable swaps it with a free slot: no two slots
// ever have the same address.
func TestSlotsAssignIndex(t *testing.T) {
	s := newSlots(4, 0, AccessConfig{})
	is := func(want int) func(int) bool { return func(index int) bool { return index == want } }
	take := func() int {
		slot, ok := takeSlot(s, wire.Addr{2}, nil)
		if !ok {
			t.Fatal("no slot is free")
		}
		return slot
	}
	indexes := func(want ...int) {
		t.Helper()
		for slot, index := range want {
			if got := s.indexOf(slot); got != index {
				t.Errorf("slot %d has index %d, want %d", slot, got, index)
			}
		}
	}
	take() // 0
	indexes(0, 1, 2, 3)
	for _, c := range []struct {
		slot   int
		usable func(int) bool
		ok     bool
		want   []int
	}{
		{0, is(0), true, []int{0, 1, 2, 3}},
		{0, is(4), false, []int{0, 1, 2, 3}},
		{0, is(3), true, []int{3, 1, 2, 0}},
		{0, is(3), true, []int{3, 1, 2, 0}},
		{0, func(index int) bool { return index != 3 }, true, []int{1, 3, 2, 0}}, // of those, that which is free longest
	} {
		if ok := s.assignIndex(c.slot, c.usable); ok != c.ok {
			t.Errorf("slot %d: moves %v, want %v", c.slot, ok, c.ok)
		}
		indexes(c.want...)
	}
	take() // 1, with index 3
	if s.assignIndex(1, is(1)) {
		t.Error("a slot has the index of another that is taken")
	}
	s.release(0) // with index 1
	if !s.assignIndex(1, is(1)) {
		t.Error("an index that is free again is not found")
	}
	indexes(3, 1, 2, 0)
}

// TestSlotsPreferred: a slot gets the first preferred index that is free, and else one that is not
// reserved, if possible.
func TestSlotsPreferred(t *testing.T) {
	any := func(int) bool { return true }
	for _, c := range []struct {
		what      string
		preferred []int
		usable    func(int) bool
		reserved  []int
		ok        bool
		want      int
	}{
		{"its own", nil, any, nil, true, 1},
		{"a free one", []int{3}, any, nil, true, 3},
		{"one that is taken", []int{0}, any, nil, true, 1},
		{"the second, as the first is taken", []int{0, 2}, any, nil, true, 2},
		{"one that is not usable", []int{3}, func(index int) bool { return index != 3 }, nil, true, 1},
		{"its own is reserved", nil, any, []int{1}, true, 2},
		{"so is the next", nil, any, []int{1, 2}, true, 3},
		{"all are", nil, any, []int{0, 1, 2, 3}, true, 1},
		{"a reserved one, preferred", []int{2}, any, []int{2}, true, 2},
		{"none is usable", []int{2}, func(int) bool { return false }, nil, false, 1},
	} {
		s := newSlots(4, 0, AccessConfig{})
		takeSlot(s, wire.Addr{2}, nil)
		slot, _ := takeSlot(s, wire.Addr{2}, nil)
		for _, index := range c.reserved {
			s.reserve(index)
		}
		if ok := s.assignIndex(slot, c.usable, c.preferred...); ok != c.ok || s.indexOf(slot) != c.want {
			t.Errorf("%s: %v, index %d; want %v, %d", c.what, ok, s.indexOf(slot), c.ok, c.want)
		}
		for index, at := range s.byIndex {
			if s.poolIndexes.bySlot[at] != int32(index) {
				t.Errorf("%s: slots have indexes %v, indexes slots %v", c.what, s.poolIndexes.bySlot, s.byIndex)
			}
		}
	}
}

// TestSlotsInOrder: a client's slots are listed in the order in which they were taken, whichever of
// them were freed.
func TestSlotsInOrder(t *testing.T) {
	for _, back := range [][]int{{}, {0}, {1}, {2}, {0, 1}, {2, 1}, {1, 0}, {0, 2}, {0, 1, 2}, {2, 0, 1}} {
		s := newSlots(8, 0, AccessConfig{})
		for range 3 {
			takeSlot(s, wire.Addr{2}, nil)
			takeSlot(s, wire.Addr{4}, nil)
		}
		want := []int{0, 2, 4}
		for _, i := range back {
			s.release(2 * i)
			want = slices.DeleteFunc(want, func(slot int) bool { return slot == 2*i })
		}
		var got []int
		for of := s.clients[wire.Addr{2}]; of != nil && len(got) < 8; of = nil {
			for i := of.oldest; i >= 0; i = s.all[i].newer {
				got = append(got, int(i))
			}
			if int(of.n) != len(got) || int(of.newest) != got[len(got)-1] {
				t.Errorf("%v given back: %+v, in order %v", back, of, got)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v given back: it has %v, want %v", back, got, want)
		}
		if s.clients[wire.Addr{4}].n != 3 {
			t.Errorf("%v given back: the other client has %+v", back, s.clients[wire.Addr{4}])
		}
	}
}

// TestSlotsWait: one request of a client waits at a time, for a slot of its own.
func TestSlotsWait(t *testing.T) {
	s := newSlots(12, 10, AccessConfig{})
	here, there := &serverLoop{}, &serverLoop{}
	w := func(client wire.Addr, at *serverLoop) *waitingRequest {
		return &waitingRequest{owner: at, origin: limit.Origin{Client: client}, request: discovery.Request{Client: client}, deadline: epoch.Add(slotWaitTimeout)}
	}
	if _, ok := s.addWait(w(wire.Addr{2}, here), epoch); ok {
		t.Error("a client without sessions waits for one")
	}
	var sessions []*sessionState
	for range 10 {
		slot, _ := takeSlot(s, wire.Addr{2}, here)
		sessions = append(sessions, &sessionState{})
		s.setSession(slot, sessions[slot])
	}
	first := w(wire.Addr{2}, here)
	if old, ok := s.addWait(first, epoch); !ok || len(old) != maxPeerChecks || old[0] != (heldSlot{sessions[0], here}) || old[7] != (heldSlot{sessions[7], here}) {
		t.Errorf("the slots to check are %v, %v", old, ok)
	}
	if _, ok := s.addWait(w(wire.Addr{2}, there), epoch.Add(slotWaitTimeout-1)); ok {
		t.Error("two requests of a client wait at the same time")
	}
	if w, _ := s.release(5); w != first || s.waiting[wire.Addr{2}] != nil || s.clients[wire.Addr{2}].n != 10 || s.clients[wire.Addr{2}].newest != 10 {
		t.Errorf("a slot that is free goes to %+v; %+v", w, s.clients[wire.Addr{2}])
	}
	if w, _ := s.release(6); w != nil || s.clients[wire.Addr{2}].n != 9 {
		t.Error("a slot is assigned though no request waits")
	}
	takeSlot(s, wire.Addr{2}, here)

	stale, next := w(wire.Addr{2}, here), w(wire.Addr{2}, there)
	s.addWait(stale, epoch)
	if _, ok := s.addWait(next, epoch.Add(slotWaitTimeout)); !ok {
		t.Error("a wait that is over keeps another from waiting")
	}
	s.removeWait(stale)
	if s.waiting[wire.Addr{2}] != next {
		t.Error("removing an old wait removes the new one")
	}
	s.removeWait(next)
	if len(s.waiting) != 0 {
		t.Error("a removed wait is still there")
	}
}

// TestSlotsExpire: a wait ends with a slot or without one, unless a session is about to end.
func TestSlotsExpire(t *testing.T) {
	for _, c := range []struct {
		what             string
		ending, released bool
		served           bool
		at               time.Duration
		ok, more         bool
	}{
		{what: "no session ends", at: peerCheckTimeout},
		{what: "one is about to end", ending: true, at: peerCheckTimeout, more: true},
		{what: "almost for too long", ending: true, at: slotWaitTimeout - 1, more: true},
		{what: "for too long", ending: true, at: slotWaitTimeout},
		{what: "a slot was given back, unnoticed", released: true, at: peerCheckTimeout, ok: true},
		{what: "a slot was assigned", served: true, at: peerCheckTimeout, more: true},
	} {
		s := newSlots(2, 0, AccessConfig{})
		takeSlot(s, wire.Addr{2}, nil)
		takeSlot(s, wire.Addr{4}, nil)
		w := &waitingRequest{origin: limit.Origin{Client: wire.Addr{2}}, request: discovery.Request{Client: wire.Addr{2}}, deadline: epoch.Add(slotWaitTimeout)}
		s.addWait(w, epoch)
		if c.ending {
			s.markEnding(wire.Addr{2})
		}
		s.markEnding(wire.Addr{6})
		if c.released {
			s.release(1)
		}
		if c.served {
			s.release(0)
		}
		if _, more, err := s.expireWait(w, epoch.Add(c.at)); (err == nil && !more) != c.ok || more != c.more {
			t.Errorf("%s: %v, more time: %v; want a slot: %v, %v", c.what, err, more, c.ok, c.more)
		}
		if waits := s.waiting[wire.Addr{2}] != nil; waits != (c.more && !c.served) {
			t.Errorf("%s: it still waits: %v", c.what, waits)
		}
	}
}

// TestSlotsOfAClient: a client has at most MaxPerClient slots, and another client its own.
func TestSlotsOfAClient(t *testing.T) {
	for _, c := range []struct{ n, each, want int }{{3, 0, 3}, {3, 1, 1}, {3, 2, 2}, {3, 3, 3}, {2, 3, 2}} {
		s := newSlots(c.n, c.each, AccessConfig{})
		got := 0
		for range c.n + 1 {
			if _, ok := takeSlot(s, wire.Addr{2}, nil); ok {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%d slots, %d each: a client has %d, want %d", c.n, c.each, got, c.want)
		}
		if _, ok := takeSlot(s, wire.Addr{4}, nil); ok != (c.want < c.n) {
			t.Errorf("%d slots, %d each: another client has one: %v", c.n, c.each, ok)
		}
	}
}
