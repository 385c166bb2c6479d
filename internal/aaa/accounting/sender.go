package accounting

import (
	"context"
	"errors"
	"fmt"
	"time"

	layeh "layeh.com/radius"
)

// sender sends records, one at a time of each session. Those of the spool go first; while it has any,
// new ones go there.
type sender struct {
	a        *Accounting
	lanes    map[string][]record // by session: the first is being sent
	held     int                 // records in lanes
	inFlight int
	barrier  bool // a record that concerns all sessions is being sent
	failed   bool // a record was not answered: nothing is sent until all others are
	away     bool // no server answers
	retryAt  time.Time
	read     uint64         // the number of the last record that was read from the spool
	taken    int            // records read from the spool that were not answered
	answered []uint64       // numbers of records to remove from the spool
	next     []record       // read, and not in a lane yet
	answers  uint64         // records answered
	probe    int            // how many tests of a server have failed since it is away
	skipped  []record       // of the spool, before the record that tests a server
	suspects map[uint64]int // by number: how often a later record was answered, and this one was not
	slow     bool           // a record waits for its answer for slowAfter
	checkAt  time.Time      // when to find out next
	results  chan result
	ctx      context.Context
}

// result is the result of sending the first record of a lane.
type result struct {
	session string
	err     error
	answers uint64 // the sender's, when the record was sent
}

func newSender(ctx context.Context, a *Accounting) *sender {
	return &sender{a: a, ctx: ctx, lanes: make(map[string][]record), suspects: make(map[uint64]int), results: make(chan result, a.cfg.Parallel)}
}

// run sends records until the context ends, and then stores what is left.
func (s *sender) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.step()
		s.report()
		timer.Reset(s.wait())
		select {
		case <-s.ctx.Done():
			s.finish()
			return
		case r := <-s.results:
			s.handle(r)
		case <-s.a.wake:
		case <-timer.C:
		}
	}
}

// wait returns how long to wait for nothing else.
func (s *sender) wait() time.Duration {
	if s.away {
		return max(time.Until(s.retryAt), time.Millisecond)
	}
	if s.inFlight > 0 {
		return max(time.Until(s.checkAt), time.Millisecond)
	}
	return time.Hour
}

// window is how many records are read at a time for each that is sent: those of a busy session wait.
const window = 4

// limit is how many records may be in lanes: one, to test whether a server answers again.
func (s *sender) limit() int {
	if s.away {
		return 1
	}
	return window * s.a.cfg.Parallel
}

// step moves records from memory to the spool, if they cannot be sent, and into the lanes.
func (s *sender) step() {
	if s.failed {
		s.recover()
	}
	s.checkSlow(time.Now())
	if s.away || s.slow || s.unread() > 0 || s.a.crowded() {
		s.store(s.a.take(maxInMemory))
	}
	if s.failed || s.away && time.Now().Before(s.retryAt) {
		return
	}
	for s.held < s.limit() && s.inFlight < s.a.cfg.Parallel && !s.barrier {
		r, ok := s.pullNext()
		if !ok {
			break
		}
		s.lanes[r.session] = append(s.lanes[r.session], r)
		s.held++
		s.barrier = r.kind.isBarrier()
		if len(s.lanes[r.session]) == 1 {
			s.send(r)
		}
	}
	if s.held == 0 || len(s.answered) >= removeBatch {
		s.removeAnswered()
	}
}

// removeBatch is how many records are removed from the spool at a time.
const removeBatch = 1024

// unread returns the number of records in the spool that were not read.
func (s *sender) unread() int { return s.a.spool.len() - len(s.answered) - s.taken }

// pull returns the next record to send; false: there is none, or it must wait for all others. What is
// in memory is later than what is in the spool.
func (s *sender) pull() (r record, ok bool) {
	if len(s.next) == 0 && s.unread() > 0 {
		s.readSpool()
	}
	if len(s.next) == 0 && s.taken == 0 {
		s.next = s.a.take(window * s.a.cfg.Parallel)
	}
	if len(s.next) == 0 || s.next[0].kind.isBarrier() && s.held > 0 {
		return r, false
	}
	r, s.next = s.next[0], s.next[1:]
	return r, true
}

// readSpool reads records of the spool. Those that are damaged are removed.
func (s *sender) readSpool() {
	records, err := s.a.spool.first(s.read, window*s.a.cfg.Parallel)
	if err != nil {
		s.spoolFailed(err)
		return
	}
	for _, r := range records {
		s.read = r.stored
		if r.kind == 0 {
			s.answered = append(s.answered, r.stored)
			s.a.update(func(c *Stats) { c.dropped(kindStop) })
			continue
		}
		s.taken++
		s.next = append(s.next, r)
	}
}

// send sends the first record of a lane.
func (s *sender) send(r record) {
	s.inFlight++
	s.lanes[r.session][0].sent = time.Now()
	answers := s.answers
	// Ends with the answer, or when no server has given one.
	go func() {
		_, err := s.a.cfg.Client.Exchange(s.ctx, func(secret []byte) (*layeh.Packet, error) { return r.packet(secret, time.Now()) })
		s.results <- result{r.session, err, answers}
	}()
}

// handle handles a result.
func (s *sender) handle(r result) {
	s.inFlight--
	if r.err != nil {
		s.a.update(func(c *Stats) { c.Failed++ })
		s.failed = s.failed || !s.isRefused(r)
		return
	}
	s.answers++
	s.a.update(func(c *Stats) { c.Sent++; c.pending-- })
	s.a.keepStarted(s.lanes[r.session][0])
	s.finished(r.session)
	if s.away {
		s.away = false
		s.a.cfg.Log.Info("accounting: a RADIUS server answers again")
		s.suspectSkipped()
	}
}

// finished removes the first record of a lane, and sends the next one.
func (s *sender) finished(session string) {
	lane := s.lanes[session]
	if done := lane[0]; done.stored > 0 {
		s.answered = append(s.answered, done.stored)
		s.taken--
		delete(s.suspects, done.stored)
	}
	s.held--
	s.barrier = false
	if lane = lane[1:]; len(lane) == 0 {
		delete(s.lanes, session)
		return
	}
	s.lanes[session] = lane
	if !s.failed {
		s.send(lane[0])
	}
}

// recover begins again after a failure, once no record is being sent: what is not in the spool goes
// there, so that the order of each session's records stays.
func (s *sender) recover() {
	if s.inFlight > 0 {
		return
	}
	if s.probe++; !s.away {
		s.probe = 0
		s.a.cfg.Log.Warn("accounting: no RADIUS server answers: records are kept until one does")
	}
	s.failed, s.away, s.retryAt, s.barrier = false, true, time.Now().Add(s.a.cfg.Retry), false
	s.removeAnswered()
	s.storeHeld()
	s.read, s.taken = 0, 0
}

// storeHeld stores what is in lanes, or was read, and is in memory only.
func (s *sender) storeHeld() {
	var unsent []record
	for _, lane := range s.lanes {
		for _, r := range lane {
			if r.stored == 0 {
				unsent = append(unsent, r)
			}
		}
	}
	for _, r := range s.next {
		if r.stored == 0 {
			unsent = append(unsent, r)
		}
	}
	clear(s.lanes)
	s.held, s.next = 0, nil
	s.store(unsent)
}

// store adds records to the spool. What there is no room for is dropped, and so is what the disk
// refuses.
func (s *sender) store(records []record) {
	kept := records[:0]
	for _, r := range records {
		if (s.a.spool.len()+len(kept))*100 < s.a.cfg.MaxSpool*r.kind.room() {
			kept = append(kept, r)
		} else {
			s.a.update(func(c *Stats) { c.dropped(r.kind) })
		}
	}
	if len(kept) == 0 {
		return
	}
	if err := s.a.spool.add(kept); err != nil {
		s.spoolFailed(err)
		s.a.update(func(c *Stats) {
			for _, r := range kept {
				c.dropped(r.kind)
			}
		})
		return
	}
	for _, r := range kept {
		s.a.keepStarted(r)
	}
}

// removeAnswered removes the records that were answered from the spool.
func (s *sender) removeAnswered() {
	if len(s.answered) == 0 {
		return
	}
	if err := s.a.spool.remove(s.answered); err != nil {
		s.spoolFailed(err) // they are sent again, which a server recognizes by their session
		return
	}
	s.answered = nil
}

// finish stores what was not sent, as the server ends.
func (s *sender) finish() {
	for s.inFlight > 0 {
		s.handleLast(<-s.results)
	}
	s.removeAnswered()
	s.storeHeld()
	s.store(s.a.take(maxInMemory))
	s.report()
}

// handleLast is handle without another record of the session.
func (s *sender) handleLast(r result) {
	s.failed = true
	s.handle(r)
}

func (s *sender) report() {
	s.a.update(func(c *Stats) {
		c.Memory, c.Spooled, c.Sending, c.Away = len(s.next), s.unread(), s.held, s.away
	})
}

// crowded reports whether so much is in memory that it belongs on the disk.
func (a *Accounting) crowded() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.inbox) > maxInMemory/4
}

// spoolFailed counts an error of the spool. In place of one that is damaged, what is to be sent is kept in
// memory: the next start of the program makes a new spool.
func (s *sender) spoolFailed(err error) {
	s.a.spoolFailed(err)
	if !errors.Is(err, errDamaged) {
		return
	}
	lost := s.unread()
	s.a.update(func(c *Stats) {
		for range lost {
			c.dropped(kindStop)
		}
	})
	clear(s.suspects)
	s.a.spool = &memoryStore{} // the damaged one cannot be closed
	s.a.cfg.MaxSpool = min(s.a.cfg.MaxSpool, maxInMemory)
	s.read, s.taken, s.answered = 0, 0, nil
	for _, lane := range s.lanes {
		forgetStored(lane)
	}
	forgetStored(s.next)
}

// forgetStored makes records those of memory only.
func forgetStored(records []record) {
	for i := range records {
		records[i].stored = 0
	}
}

// spoolFailed counts an error of the spool, and logs the first in a while.
func (a *Accounting) spoolFailed(err error) {
	a.update(func(c *Stats) { c.SpoolErrors++ })
	if ok, _ := a.spoolErrors.Allow(time.Now()); ok {
		a.cfg.Log.Error(fmt.Sprintf("accounting: spool %s: %v: records are lost", a.cfg.Spool, err))
	}
}
