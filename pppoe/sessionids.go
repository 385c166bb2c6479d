package pppoe

// sessionIDs assigns the session IDs 1 to max of an attachment. An ID is used again as late as
// possible: a peer may not know yet that its session has ended. It needs one bit per ID.
type sessionIDs struct {
	max  int
	used []uint64 // bits, grown to the highest ID that was used
	last int      // assigned last
	n    int      // in use
}

func newSessionIDs(max int) *sessionIDs { return &sessionIDs{max: min(max, maxSessions)} }

// assign assigns an ID; ok is false if all are in use.
func (s *sessionIDs) assign() (id uint16, ok bool) {
	if s.n == s.max {
		return 0, false
	}
	for {
		s.last = s.last%s.max + 1
		if !s.isUsed(s.last) {
			break
		}
	}
	for len(s.used) <= s.last/64 {
		s.used = append(s.used, 0)
	}
	s.used[s.last/64] |= 1 << (s.last % 64)
	s.n++
	return uint16(s.last), true
}

// release makes an ID available again.
func (s *sessionIDs) release(id uint16) {
	s.used[id/64] &^= 1 << (id % 64)
	s.n--
}

// isFree reports whether an ID can be assigned.
func (s *sessionIDs) isFree(id uint16) bool { return id > 0 && int(id) <= s.max && !s.isUsed(int(id)) }

func (s *sessionIDs) isUsed(id int) bool {
	return id/64 < len(s.used) && s.used[id/64]&(1<<(id%64)) != 0
}
