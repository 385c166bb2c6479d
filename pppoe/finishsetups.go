package pppoe

import (
	"context"
	"sync"
	"time"

	"upppoe/pppoe/wire"
)

// FinishSetups waits until no session is being set up or authenticated, or the context ends. From now on PADIs
// and PADRs wait, as they do in a suspended server; packets of sessions are handled, and PADOs that are due are
// sent. Suspend or Resume must follow. Before Run, it has no effect.
//
// It is for a program that a successor follows: a session that is being set up cannot be adopted, and its
// client would have to dial again, which pppd does after its holdoff of 30 s.
func (s *Server) FinishSetups(ctx context.Context) {
	s.suspending.Lock()
	begins := s.suspension.Load() == nil && s.isRunning()
	s.finishing = s.finishing || begins
	s.suspending.Unlock()
	if !begins {
		return
	}
	var finished sync.WaitGroup
	for _, l := range s.loops() {
		finished.Go(func() { l.finishSetups(ctx) })
	}
	finished.Wait()
}

// finishingSetups is what a loop has while it finishes the set-up of its sessions.
type finishingSetups struct {
	unfinished []*sessionState // not all: see isFinished
	next       time.Time       // when to check them again; zero: they are finished
	finished   chan struct{}   // closed then
}

// finishSetups makes PADIs and PADRs wait, and waits until nothing is being set up.
func (l *serverLoop) finishSetups(ctx context.Context) {
	f := &finishingSetups{finished: make(chan struct{})}
	l.loop.call(func(now time.Time) {
		f.next = now
		l.finishing, l.loop.holdsRequests = f, true
	})
	select {
	case <-ctx.Done():
	case <-f.finished:
	case <-l.loop.ended:
	}
}

// stopFinishing handles PADIs and PADRs again. Those that wait are handled by handleHeld.
func (l *serverLoop) stopFinishing() { l.finishing, l.loop.holdsRequests = nil, false }

// checkFinished checks again, if that is due, whether everything is finished.
func (l *serverLoop) checkFinished(now time.Time) {
	f := l.finishing
	if f == nil || f.next.IsZero() || now.Before(f.next) {
		return
	}
	if f.next = now.Add(timerSlack); l.isFinished() {
		f.next = time.Time{}
		close(f.finished)
	}
}

// isFinished reports whether nothing is being set up. Sessions that were are checked first, and all others
// only if these are finished.
func (l *serverLoop) isFinished() bool {
	f, left := l.finishing, l.finishing.unfinished[:0]
	for _, s := range f.unfinished {
		if l.isBeingSetUp(s) {
			left = append(left, s)
		}
	}
	clear(f.unfinished[len(left):])
	if f.unfinished = left; len(left) > 0 || len(l.waiting) > 0 || !l.delayed.Next().IsZero() {
		return false
	}
	for s := range l.loop.sessions.All() {
		if l.isBeingSetUp(s) {
			f.unfinished = append(f.unfinished, s)
		}
	}
	return len(f.unfinished) == 0
}

func (l *serverLoop) isBeingSetUp(s *sessionState) bool {
	return s.endReason == nil && (s.auth != nil || !l.isAdoptable(s))
}

func (f *finishingSetups) deadline() time.Time {
	if f == nil {
		return time.Time{}
	}
	return f.next
}

// holdRequest queues a discovery frame that would begin a session, if such frames are to wait, and reports
// whether it is one.
func (l *loop) holdRequest(from *inbox, frame []byte) bool {
	if !l.holdsRequests || l.held.isFull() {
		return false
	}
	code, _, ok := discoveryCode(frame)
	if !ok || code != wire.PADI && code != wire.PADR {
		return false
	}
	l.held.add(from, frame)
	return true
}
