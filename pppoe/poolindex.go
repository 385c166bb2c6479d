package pppoe

import "slices"

// poolIndexes map slots to pool indexes, which stand for addresses: each slot has one, and no two
// the same. A slot can swap its index with a free slot.
type poolIndexes struct {
	bySlot   []int32 // the index; at first the slot's own number
	byIndex  []int32 // the slot
	reserved []bool  // by index: an account has named the address, and may do so again
}

func newPoolIndexes(n int) poolIndexes {
	p := poolIndexes{bySlot: make([]int32, n), byIndex: make([]int32, n), reserved: make([]bool, n)}
	for i := range n {
		p.bySlot[i], p.byIndex[i] = int32(i), int32(i)
	}
	return p
}

func (p *poolIndexes) swap(slot, other int) {
	p.bySlot[slot], p.bySlot[other] = p.bySlot[other], p.bySlot[slot]
	p.byIndex[p.bySlot[slot]], p.byIndex[p.bySlot[other]] = int32(slot), int32(other)
}

// indexOf returns the pool index of a slot.
func (s *slots) indexOf(slot int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.indexOfLocked(slot)
}

func (s *slots) indexOfLocked(slot int) int { return int(s.poolIndexes.bySlot[slot]) }

// reserve records that an account has an address of the pool for its own: others get it only if no
// other is free.
func (s *slots) reserve(index int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved[index] = true
}

// assignIndex assigns a slot a usable pool index, and reports whether there is one: the first
// preferred one that is its own, a free slot's or that of a slot whose session is ending; else its own, or that of the slot longest free,
// if possible one that is not reserved. The other slot gets its index in exchange.
func (s *slots) assignIndex(slot int, usable func(index int) bool, preferred ...int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, index := range preferred {
		if other := int(s.byIndex[index]); (other == slot || s.all[other].isLeaving()) && usable(index) {
			s.swap(slot, other)
			return true
		}
	}
	unreserved := func(index int) bool { return !s.reserved[index] && usable(index) }
	return slices.ContainsFunc([]func(int) bool{unreserved, usable}, func(f func(int) bool) bool { return s.assignFirst(slot, f) })
}

func (s *slots) assignFirst(slot int, usable func(index int) bool) bool {
	if usable(s.indexOfLocked(slot)) {
		return true
	}
	for i := range s.nfree {
		if free := int(s.free[(s.head+i)%len(s.free)]); usable(s.indexOfLocked(free)) {
			s.swap(slot, free)
			return true
		}
	}
	return false
}

// isLeaving reports whether the slot is free, or its session is ending.
func (s *slot) isLeaving() bool { return !s.taken || s.session != nil && s.session.ending.Load() }
