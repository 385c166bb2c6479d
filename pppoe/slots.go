package pppoe

import (
	"iter"
	"sync"

	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// slots assigns the slots 0 to n-1, the one longest free first. It may be used concurrently: the
// loops of a server share it.
type slots struct {
	mu           sync.Mutex
	free         []int32 // a ring buffer; entries whose slot is taken are skipped
	head         int
	nfree        int // entries of the ring
	maxPerClient int // 0: no limit
	sessions     *limit.Counter
	halfOpen     *limit.Counter
	clientSlots
	waiting map[wire.Addr]*waitingRequest // by client: the request that waits for one of its sessions to end
}

// slot is the state of one slot.
type slot struct {
	owner    *serverLoop   // the loop of its session
	session  *sessionState // nil: it is not open yet
	origin   limit.Origin
	taken    bool
	inRing   bool // in slots.free, though it may be taken
	halfOpen bool // its session has not reached its network phase

	// Of the client's ring; before the oldest is the newest.
	older, newer int32
	// Of a client's oldest slot: the oldest of the next client of its chain, or -1; and the number of slots.
	next, count int32
}

func newSlots(n, each int, access AccessConfig) *slots {
	s := &slots{
		free: make([]int32, n), nfree: n, maxPerClient: each, clientSlots: newClientSlots(n),
		sessions: limit.NewCounter(limit.Sessions, access.Sessions), halfOpen: limit.NewCounter(limit.HalfOpen, access.HalfOpen),
		waiting: make(map[wire.Addr]*waitingRequest),
	}
	for i := range s.free {
		s.free[i], s.all[i].inRing = int32(i), true
	}
	return s
}

// setLimits replaces the limits, for sessions that begin later.
func (s *slots) setLimits(access AccessConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions.SetLimits(access.Sessions, s.origins(func(is *slot) bool { return is.taken }))
	s.halfOpen.SetLimits(access.HalfOpen, s.origins(func(is *slot) bool { return is.taken && is.halfOpen }))
}

// origins returns the origins of some slots. The lock is held while they are read.
func (s *slots) origins(of func(*slot) bool) iter.Seq[limit.Origin] {
	return func(yield func(limit.Origin) bool) {
		for i := range s.all {
			if is := &s.all[i]; of(is) && !yield(is.origin) {
				return
			}
		}
	}
}

// taken returns the number of slots that are taken.
func (s *slots) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions.Total()
}

// take takes a slot for a session of a client at an interface, if one is free and no limit is
// exceeded; the error is of type limit.Exceeded.
func (s *slots) take(o limit.Origin, at *serverLoop) (slot int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeLocked(o, at)
}

func (s *slots) takeLocked(o limit.Origin, at *serverLoop) (number int, err error) {
	if err := s.admit(o); err != nil {
		return 0, err
	}
	number = s.takeFree()
	s.assign(number, o, at)
	s.all[number].halfOpen = true
	s.halfOpen.Add(o)
	return number, nil
}

// takeFree removes the first free slot from the ring. There is one.
func (s *slots) takeFree() int {
	for {
		number := s.free[s.head]
		s.head = (s.head + 1) % len(s.free)
		s.nfree--
		s.all[number].inRing = false
		if !s.all[number].taken {
			return int(number)
		}
	}
}

// assign assigns a slot that is free to a client.
func (s *slots) assign(number int, o limit.Origin, at *serverLoop) {
	s.all[number] = slot{taken: true, inRing: s.all[number].inRing, origin: o, owner: at}
	s.link(int32(number))
	s.sessions.Add(o)
}

// adopt takes a slot for a session that an earlier server had in it, or another one if that is taken or
// does not exist. It heeds no limit but the number of slots.
func (s *slots) adopt(number int, o limit.Origin, at *serverLoop) (got int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case number < len(s.all) && !s.all[number].taken:
	case s.sessions.Total() == len(s.all):
		return 0, limit.Exceeded{What: limit.Sessions, Scope: limit.Total}
	default:
		number = s.takeFree()
	}
	s.assign(number, o, at)
	return number, nil
}

// admit reports whether a client may have another slot.
func (s *slots) admit(o limit.Origin) error {
	switch {
	case s.sessions.Total() == len(s.all):
		return limit.Exceeded{What: limit.Sessions, Scope: limit.Total}
	case s.maxPerClient > 0 && s.count(o.Client) >= s.maxPerClient:
		return limit.Exceeded{What: limit.Sessions, Scope: limit.PerClient}
	}
	if err := s.sessions.Admit(o); err != nil {
		return err
	}
	return s.halfOpen.Admit(o)
}

// setEstablished records that the session of a slot has reached its network phase.
func (s *slots) setEstablished(slot int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is := &s.all[slot]; is.halfOpen {
		is.halfOpen = false
		s.halfOpen.Remove(is.origin)
	}
}

// isLeaving reports whether a slot is free, or its session is ending.
func (s *slots) isLeaving(slot int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := &s.all[slot]
	return !is.taken || is.session != nil && is.session.ending.Load()
}

// setSession sets the session that has a slot.
func (s *slots) setSession(slot int, session *sessionState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[slot].session = session
}

// generations returns those of all sessions.
func (s *slots) generations() map[uint64]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[uint64]bool, s.sessions.Total())
	for i := range s.all {
		if of := s.all[i].session; of != nil {
			all[of.Generation] = true
		}
	}
	return all
}

// release frees a slot. If its client waits for one and may have one now, w is the waiting request,
// and next the slot that was taken for it.
func (s *slots) release(number int) (w *waitingRequest, next int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	is := s.all[number]
	s.unlink(int32(number))
	s.all[number] = slot{}
	s.sessions.Remove(is.origin)
	if is.halfOpen {
		s.halfOpen.Remove(is.origin)
	}
	if s.all[number].inRing = true; !is.inRing {
		s.free[(s.head+s.nfree)%len(s.free)] = int32(number)
		s.nfree++
	}
	if w = s.waiting[is.origin.Client]; w == nil {
		return nil, 0
	}
	next, err := s.takeLocked(w.origin, w.owner)
	if err != nil {
		return nil, 0
	}
	delete(s.waiting, is.origin.Client)
	return w, next
}
