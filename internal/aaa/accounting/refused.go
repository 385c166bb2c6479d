package accounting

import (
	"fmt"
	"time"

	"layeh.com/radius/rfc2866"
)

// A server gives no answer to a record that it cannot store (RFC 2866 section 2): one whose user name its
// database refuses, or Accounting-On. Such a record must not hold up all others. It is dropped once it
// has had no answer several times, while others had.
const maxRefusals = 5

// mayRefuse is how often a record may be refused. One that concerns all sessions holds up all.
func (k kind) mayRefuse() int {
	if k.isBarrier() {
		return 1
	}
	return maxRefusals
}

// isRefused handles a record that was not answered, if servers have answered others meanwhile: it is sent
// again, or dropped. A record that is sent alone is refused if a later one was answered before.
func (s *sender) isRefused(r result) bool {
	lane := s.lanes[r.session]
	first := &lane[0]
	if s.failed || s.answers == r.answers && !(first.kind.isBarrier() && s.suspects[first.stored] > 0) {
		return false
	}
	if first.refusals++; first.refusals < first.kind.mayRefuse() {
		s.send(*first)
		return true
	}
	s.drop(first)
	s.finished(r.session)
	return true
}

// drop counts and logs a record that servers refuse.
func (s *sender) drop(r *record) {
	s.a.update(func(c *Stats) { c.dropped(r.kind) })
	if ok, _ := s.a.refusals.Allow(time.Now()); ok {
		of := "of session " + r.session
		if r.kind.isBarrier() {
			of = "of this server as a whole"
		}
		s.a.cfg.Log.Error(fmt.Sprintf("accounting: RADIUS servers answer other records, but not one %s (%v): it is dropped: look into their logs", of, rfc2866.AcctStatusType(r.kind)))
	}
}

// testWindow is among how many records of the spool those that test a server are.
const testWindow = 1024

// pullNext returns the next record to send. While servers are away, it is one of another session for each
// test, as they may refuse that of the test before.
func (s *sender) pullNext() (record, bool) {
	s.skipped = nil
	if !s.away || s.unread() == 0 {
		return s.pull()
	}
	first, err := s.a.spool.first(0, testWindow)
	if err != nil {
		s.spoolFailed(err)
		return record{}, false
	}
	heads := firstOfSessions(first)
	if len(heads) == 0 {
		return s.pull()
	}
	n := s.probe % len(heads)
	s.skipped, s.taken = heads[:n], 1
	return heads[n], true
}

// firstOfSessions returns the first record of each session, without those that are damaged, up to one that
// concerns all sessions: it stays between those before and after it, unless it is refused itself.
func firstOfSessions(all []record) (heads []record) {
	seen := make(map[string]bool)
	for i, r := range all {
		if i > 0 && r.kind.isBarrier() {
			break
		}
		if r.kind != 0 && !seen[r.session] {
			seen[r.session] = true
			heads = append(heads, r)
		}
	}
	return heads
}

// suspectSkipped notes that a server has answered a test, but none of the records before, and begins to
// read the spool again.
func (s *sender) suspectSkipped() {
	for _, r := range s.skipped {
		if s.suspects[r.stored]++; s.suspects[r.stored] >= maxRefusals {
			delete(s.suspects, r.stored)
			s.answered = append(s.answered, r.stored)
			s.drop(&r)
		}
	}
	s.skipped = nil
	s.removeAnswered()
	s.read, s.taken, s.answered = 0, 0, nil
}
