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
}

func newSlots(n int) *slots {
	s := &slots{free: make([]int, n), held: n, taken: make([]bool, n)}
	for i := range s.free {
		s.free[i] = i
	}
	return s
}

// take takes a slot, if one is free.
func (s *slots) take() (slot int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 {
		return 0, false
	}
	slot = s.free[s.head]
	s.head = (s.head + 1) % len(s.free)
	s.held--
	s.taken[slot] = true
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
}
