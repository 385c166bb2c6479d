package accounting

import "time"

// A program that is killed loses the records that are in memory. While servers answer, these are few and young.
// Once one has waited for its answer for slowAfter, all go to the spool first, until servers are fast again.
const slowAfter = 500 * time.Millisecond

// checkSlow finds out from time to time whether servers are slow, and then stores what is being sent.
func (s *sender) checkSlow(now time.Time) {
	if now.Before(s.checkAt) {
		return
	}
	s.checkAt = now.Add(slowAfter / 2)
	s.slow = false
	for _, lane := range s.lanes {
		s.slow = s.slow || now.Sub(lane[0].sent) >= slowAfter
	}
	// What is in the spool and was not read yet is later than what is in memory, and must stay so.
	if s.slow && !s.away && !s.failed && s.unread() == 0 {
		s.storeSending()
	}
}

// storeSending stores what has been taken to be sent, and is in memory only. It is sent all the same.
func (s *sender) storeSending() {
	var unstored []*record
	add := func(records []record) {
		for i := range records {
			if records[i].stored == 0 {
				unstored = append(unstored, &records[i])
			}
		}
	}
	for _, lane := range s.lanes {
		add(lane)
	}
	add(s.next)
	if len(unstored) == 0 || s.a.spool.len()+len(unstored) > s.a.cfg.MaxSpool {
		return
	}
	stored := make([]record, len(unstored))
	for i, r := range unstored {
		stored[i] = *r
	}
	if err := s.a.spool.add(stored); err != nil {
		s.spoolFailed(err)
		return
	}
	for i, r := range unstored {
		r.stored = stored[i].stored
		s.a.keepStarted(*r)
		s.read = max(s.read, r.stored)
	}
	s.taken += len(stored)
}
