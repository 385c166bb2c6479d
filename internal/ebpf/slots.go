package ebpf

// slots allocates the slots of sessions. A program on another processor may still use a slot for the
// moment after its session was removed. So the slot that was freed first is used first, and there
// are more slots than sessions.
type slots struct {
	sessions int // maximum number in use
	inUse    int
	used     int      // slots from here on were never used
	free     []uint32 // ring buffer, in the order in which they were freed
	first    int      // in free
	n        int      // of free slots in it
}

func newSlots(sessions int) slots { return slots{sessions: sessions} }

// size returns the number of slots.
func (s *slots) size() int { return s.sessions + s.spare() }

// spare returns how many slots are never used at the same time.
func (s *slots) spare() int { return 16 + s.sessions/16 }

// allocate returns a free slot, and whether a session has used it before; ok is false if there is
// none.
func (s *slots) allocate() (slot uint32, used, ok bool) {
	switch {
	case s.inUse == s.sessions:
		return 0, false, false
	case s.n == 0 && s.used == s.size(): // what is free is a predecessor's
		return 0, false, false
	case s.used < s.size():
		slot = uint32(s.used)
		s.used++
	default:
		slot, used = s.free[s.first], true
		s.first = (s.first + 1) % len(s.free)
		s.n--
	}
	s.inUse++
	return slot, used, true
}

// release frees a slot.
func (s *slots) release(slot uint32) {
	if s.n == len(s.free) {
		s.grow()
	}
	s.free[(s.first+s.n)%len(s.free)] = slot
	s.n++
	s.inUse--
}

func (s *slots) grow() {
	bigger := make([]uint32, max(16, 2*len(s.free)))
	k := copy(bigger, s.free[s.first:])
	copy(bigger[k:], s.free[:s.first])
	s.free, s.first = bigger, 0
}

// restore takes over the slots of a predecessor, which has used those below a number. The ones that its
// programs refer to are claimed or discarded later; the others are free.
func (s *slots) restore(used int, referred []bool) {
	s.used = used
	for slot := range uint32(used) {
		if !referred[slot] {
			s.discard(slot)
		}
	}
}

// claim takes a slot that a predecessor's programs refer to; false: there are too many sessions.
func (s *slots) claim() bool {
	if s.inUse == s.sessions {
		return false
	}
	s.inUse++
	return true
}

// discard frees a slot of a predecessor.
func (s *slots) discard(slot uint32) {
	s.inUse++
	s.release(slot)
}
