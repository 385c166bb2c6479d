package pppoe

import (
	"math/rand/v2"
	"slices"
)

// SessionIDs says which session IDs a server assigns. The zero value: all that its number of sessions
// needs, from 1 on, in order.
type SessionIDs struct {
	// Offset is added to all: the first is Offset+1. With the number of sessions of an attachment it is
	// at most 65,534.
	Offset int
	// Random assigns them in random order.
	Random bool
}

// sessionIDs assigns the session IDs 1 to max of an attachment, without SessionIDs.Offset. An ID is used
// again as late as possible, unless they are random: a peer may not know yet that its session has ended.
type sessionIDs struct {
	max    int
	random bool
	last   *int     // assigned last; attachments may share it
	few    []uint16 // in use, in no order; unless there are bits
	used   []uint64 // bits, grown to the highest ID that was used; nil: there are few
	n      int      // in use
}

// maxFew is the number of IDs beyond which bits take less memory: up to 8 kB.
const maxFew = 256

func newSessionIDs(max int, last *int) *sessionIDs {
	return &sessionIDs{max: min(max, maxSessions), last: last}
}

// assign assigns an ID; ok is false if all are in use.
func (s *sessionIDs) assign() (id uint16, ok bool) {
	if s.n == s.max {
		return 0, false
	}
	if s.random {
		*s.last = rand.IntN(s.max)
	}
	for {
		*s.last = *s.last%s.max + 1
		if !s.isUsed(*s.last) {
			break
		}
	}
	id = uint16(*s.last)
	s.take(id)
	return id, true
}

// take takes an ID that is free.
func (s *sessionIDs) take(id uint16) {
	s.n++
	*s.last = int(id)
	if s.used != nil {
		s.setBit(id)
	} else if s.few = append(s.few, id); len(s.few) > maxFew {
		for _, id := range s.few {
			s.setBit(id)
		}
		s.few = nil
	}
}

func (s *sessionIDs) setBit(id uint16) {
	if need := int(id)/64 + 1; need > len(s.used) {
		s.used = append(s.used, make([]uint64, need-len(s.used))...)
	}
	s.used[id/64] |= 1 << (id % 64)
}

// release makes an ID available again.
func (s *sessionIDs) release(id uint16) {
	s.n--
	if s.used != nil {
		s.used[id/64] &^= 1 << (id % 64)
		return
	}
	at := slices.Index(s.few, id)
	s.few[at] = s.few[len(s.few)-1]
	s.few = s.few[:len(s.few)-1]
}

// isFree reports whether an ID can be assigned.
func (s *sessionIDs) isFree(id uint16) bool { return id > 0 && int(id) <= s.max && !s.isUsed(int(id)) }

func (s *sessionIDs) isUsed(id int) bool {
	if s.used == nil {
		return slices.Contains(s.few, uint16(id))
	}
	return id/64 < len(s.used) && s.used[id/64]&(1<<(id%64)) != 0
}
