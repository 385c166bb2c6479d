package pppoe

import "slices"

// poolIndexes are where in the pool the addresses of slots are: each slot has one, and no two the
// same. A slot can change places with one that is free.
type poolIndexes struct {
	bySlot   []int  // by slot: its own number, until slots change places
	byIndex  []int  // by place: the slot
	reserved []bool // by place: an account has named its address, and may do so again
}

func newPoolIndexes(n int) poolIndexes {
	p := poolIndexes{bySlot: make([]int, n), byIndex: make([]int, n), reserved: make([]bool, n)}
	for i := range n {
		p.bySlot[i], p.byIndex[i] = i, i
	}
	return p
}

func (p *poolIndexes) swap(slot, other int) {
	p.bySlot[slot], p.bySlot[other] = p.bySlot[other], p.bySlot[slot]
	p.byIndex[p.bySlot[slot]], p.byIndex[p.bySlot[other]] = slot, other
}

// indexOf is where in the pool the address of a slot is.
func (s *slots) indexOf(slot int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.poolIndexes.bySlot[slot]
}

// reserve notes that an account has an address of the pool for its own: others get it only if there
// is none besides.
func (s *slots) reserve(place int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved[place] = true
}

// assignIndex gives a slot a place in the pool that will do, and reports whether there is one: the first
// of those preferred that is its own or a free slot's; or else its own, or that of the slot
// longest free, rather one that no account has named. The other slot has its place in turn.
func (s *slots) assignIndex(slot int, willDo func(place int) bool, preferred ...int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, place := range preferred {
		if other := s.byIndex[place]; (other == slot || !s.all[other].taken) && willDo(place) {
			s.swap(slot, other)
			return true
		}
	}
	unnamed := func(place int) bool { return !s.reserved[place] && willDo(place) }
	return slices.ContainsFunc([]func(int) bool{unnamed, willDo}, func(f func(int) bool) bool { return s.assignFirst(slot, f) })
}

func (s *slots) assignFirst(slot int, willDo func(place int) bool) bool {
	if willDo(s.poolIndexes.bySlot[slot]) {
		return true
	}
	for i := range s.nfree {
		if free := s.free[(s.head+i)%len(s.free)]; willDo(s.poolIndexes.bySlot[free]) {
			s.swap(slot, free)
			return true
		}
	}
	return false
}
