package pppoe

import (
	"sync"

	"upppoe/pppoe/wire"
)

// slots assigns the slots 0 to n-1, the one longest free first. It may be used concurrently: the
// loops of a server share it.
type slots struct {
	mu           sync.Mutex
	free         []int // a ring buffer
	head         int
	nfree        int // how many entries of the ring are valid
	maxPerClient int // 0: no limit
	all          []slot
	clients      map[wire.Addr]*clientSlots    // those that have a slot
	waiting      map[wire.Addr]*waitingRequest // by client: the request that waits for one of its sessions to end

	poolIndexes
}

// slot is the state of one slot.
type slot struct {
	taken   bool
	client  wire.Addr
	owner   *serverLoop   // the loop of its session
	session *sessionState // nil: it is not open yet
	// The client's slots form a list, in the order in which they were taken; -1: none.
	older, newer int
}

// clientSlots are the slots of one client.
type clientSlots struct{ n, oldest, newest int }

func newSlots(n, each int) *slots {
	s := &slots{
		free: make([]int, n), nfree: n, maxPerClient: each, all: make([]slot, n),
		clients: make(map[wire.Addr]*clientSlots), waiting: make(map[wire.Addr]*waitingRequest), poolIndexes: newPoolIndexes(n),
	}
	for i := range s.free {
		s.free[i] = i
	}
	return s
}

// take takes a slot for a session of a client at an interface, if one is free and the client may
// have another.
func (s *slots) take(client wire.Addr, at *serverLoop) (slot int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeLocked(client, at)
}

func (s *slots) takeLocked(client wire.Addr, at *serverLoop) (number int, ok bool) {
	of := s.clients[client]
	if s.nfree == 0 || s.maxPerClient > 0 && of != nil && of.n >= s.maxPerClient {
		return 0, false
	}
	number = s.free[s.head]
	s.head = (s.head + 1) % len(s.free)
	s.nfree--
	if of == nil {
		of = &clientSlots{oldest: number, newest: -1}
		s.clients[client] = of
	}
	s.all[number] = slot{taken: true, client: client, owner: at, older: of.newest, newer: -1}
	if of.newest >= 0 {
		s.all[of.newest].newer = number
	}
	of.newest = number
	of.n++
	return number, true
}

// setSession sets the session that has a slot.
func (s *slots) setSession(slot int, session *sessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[slot].session = session
}

// release frees a slot. If its client waits for one and may have one now, w is the waiting request,
// and next the slot that was taken for it.
func (s *slots) release(number int) (w *waitingRequest, next int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	client := s.all[number].client
	s.unlink(number)
	s.free[(s.head+s.nfree)%len(s.free)] = number
	s.nfree++
	if w = s.waiting[client]; w == nil {
		return nil, 0
	}
	next, ok := s.takeLocked(client, w.owner)
	if !ok {
		return nil, 0
	}
	delete(s.waiting, client)
	return w, next
}

// unlink removes a slot from its client's list.
func (s *slots) unlink(number int) {
	is := s.all[number]
	of := s.clients[is.client]
	if is.older >= 0 {
		s.all[is.older].newer = is.newer
	} else {
		of.oldest = is.newer
	}
	if is.newer >= 0 {
		s.all[is.newer].older = is.older
	} else {
		of.newest = is.older
	}
	if of.n--; of.n == 0 {
		delete(s.clients, is.client)
	}
	s.all[number] = slot{}
}
