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
	has   map[Addr]int // by client, of those that have any
}

func newSlots(n, each int) *slots {
	s := &slots{free: make([]int, n), held: n, taken: make([]bool, n), each: each, owner: make([]Addr, n), has: make(map[Addr]int)}
	for i := range s.free {
		s.free[i] = i
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
