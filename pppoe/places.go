package pppoe

import "slices"

// places are where in the pool the addresses of slots are: each slot has one, and no two the
// same. A slot can change places with one that is free.
type places struct {
	of    []int  // by slot: its own number, until slots change places
	at    []int  // by place: the slot
	named []bool // by place: an account has named its address, and may do so again
}

func newPlaces(n int) places {
	p := places{of: make([]int, n), at: make([]int, n), named: make([]bool, n)}
	for i := range n {
		p.of[i], p.at[i] = i, i
	}
	return p
}

func (p *places) swap(slot, other int) {
	p.of[slot], p.of[other] = p.of[other], p.of[slot]
	p.at[p.of[slot]], p.at[p.of[other]] = slot, other
}

// placeOf is where in the pool the address of a slot is.
func (s *slots) placeOf(slot int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.places.of[slot]
}

// name notes that an account has an address of the pool for its own: others get it only if there
// is none besides.
func (s *slots) name(place int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named[place] = true
}

// move gives a slot a place in the pool that will do, and reports whether there is one: the first
// of those preferred that is its own or a free slot's; or else its own, or that of the slot
// longest free, rather one that no account has named. The other slot has its place in turn.
func (s *slots) move(slot int, willDo func(place int) bool, preferred ...int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, place := range preferred {
		if other := s.at[place]; (other == slot || !s.all[other].taken) && willDo(place) {
			s.swap(slot, other)
			return true
		}
	}
	unnamed := func(place int) bool { return !s.named[place] && willDo(place) }
	return slices.ContainsFunc([]func(int) bool{unnamed, willDo}, func(f func(int) bool) bool { return s.moveTo(slot, f) })
}

func (s *slots) moveTo(slot int, willDo func(place int) bool) bool {
	if willDo(s.places.of[slot]) {
		return true
	}
	for i := range s.held {
		if free := s.free[(s.head+i)%len(s.free)]; willDo(s.places.of[free]) {
			s.swap(slot, free)
			return true
		}
	}
	return false
}
