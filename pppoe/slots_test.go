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
		if got := slices.Collect(s.of(wire.Addr{2})); !slices.Equal(got, want) {
			t.Errorf("%v given back: it has %v, want %v", back, got, want)
		}
		if got := slices.Collect(s.of(wire.Addr{4})); !slices.Equal(got, []int{1, 3, 5}) {
			t.Errorf("%v given back: the other client has %v", back, got)
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
	if w, _ := s.release(5); w != first || s.waiting[wire.Addr{2}] != nil || s.count(wire.Addr{2}) != 10 || s.all[*s.oldest(wire.Addr{2})].older != 10 {
		t.Errorf("a slot that is free goes to %+v; %+v", w, slices.Collect(s.of(wire.Addr{2})))
	}
	if w, _ := s.release(6); w != nil || s.count(wire.Addr{2}) != 9 {
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

// TestNewLimitsOfAClient: limits that begin later count the sessions that a client has by then, and
// those of them that are half-open.
func TestNewLimitsOfAClient(t *testing.T) {
	s := newSlots(4, 0, AccessConfig{})
	from := limit.Origin{Client: hostAddr}
	for range 2 {
		if _, err := s.take(from, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.setEstablished(0)
	for what, c := range map[limit.Quantity]struct{ refuses, admits AccessConfig }{
		limit.Sessions: {AccessConfig{Sessions: limit.Limits{Client: 2}}, AccessConfig{Sessions: limit.Limits{Client: 3}}},
		limit.HalfOpen: {AccessConfig{HalfOpen: limit.Limits{Client: 1}}, AccessConfig{HalfOpen: limit.Limits{Client: 2}}},
	} {
		s.setLimits(c.refuses)
		if _, err := s.take(from, nil); err != (limit.Exceeded{What: what, Scope: limit.PerClient}) {
			t.Errorf("%v: %v", what, err)
		}
		s.setLimits(AccessConfig{})
		s.setLimits(c.admits)
		number, err := s.take(from, nil)
		if err != nil {
			t.Errorf("%v: %v", what, err)
		}
		s.release(number)
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
