package pppoe

import "sync"

// slots hands out the numbers 0 to n-1, the one longest free first. It may be used
// concurrently: the loops of a server share it.
type slots struct {
	mu    sync.Mutex
	free  []int // a ring
	head  int
	held  int // how many of the ring are free
	taken []bool
	each  int          // how many one client may have; 0: any number
	owner []Addr       // of a slot that is taken
	place []int        // of a slot's address in the pool: its own number, until slots change places
	has   map[Addr]int // by client, of those that have any
}

func newSlots(n, each int) *slots {
	s := &slots{free: make([]int, n), held: n, taken: make([]bool, n), each: each, owner: make([]Addr, n), place: make([]int, n), has: make(map[Addr]int)}
	for i := range s.free {
		s.free[i], s.place[i] = i, i
	}
	return s
}

// take takes a slot for a client, if one is free and it may have another.
func (s *slots) take(client Addr) (slot int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 || s.each > 0 && s.has[client] >= s.each {
		return 0, false
	}
	slot = s.free[s.head]
	s.head = (s.head + 1) % len(s.free)
	s.held--
	s.taken[slot], s.owner[slot] = true, client
	s.has[client]++
	return slot, true
}

// placeOf is where in the pool the address of a slot is.
func (s *slots) placeOf(slot int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.place[slot]
}

// moveTo gives a slot a place in the pool that will do: that which it has, or else that of a
// free slot, which takes the other in turn; so no two slots ever have one. It takes the one
// longest free, and reports whether there is one.
func (s *slots) moveTo(slot int, willDo func(place int) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if willDo(s.place[slot]) {
		return true
	}
	for i := range s.held {
		if free := s.free[(s.head+i)%len(s.free)]; willDo(s.place[free]) {
			s.place[slot], s.place[free] = s.place[free], s.place[slot]
			return true
		}
	}
	return false
}

// isFree says whether a number is one of a slot that nobody has.
func (s *slots) isFree(slot int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slot >= 0 && slot < len(s.taken) && !s.taken[slot]
}

// release gives back a slot that was taken.
func (s *slots) release(slot int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free[(s.head+s.held)%len(s.free)] = slot
	s.held++
	s.taken[slot] = false
	client := s.owner[slot]
	if s.has[client]--; s.has[client] == 0 {
		delete(s.has, client)
	}
}
