package pppoe

import (
	"bytes"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// An adopted session has its addresses, and a device of its own takes time to open. Until then, the session is
// as the earlier program has left it: PPP answers Echo-Requests, but what changes the session waits until
// Adopted was emitted.

// adoptedSession is what an adopted session keeps until its device is open.
type adoptedSession struct {
	device    string // the name that it had
	counters  datapath.Counters
	announced bool                  // Adopted was emitted
	waiting   []func(now time.Time) // what happens after that, in order
	frames    int                   // of what waits
	paused    bool                  // events of PPP wait: PPP takes no other step, as their handlers change it
}

// maxAdoptedFrames is how many frames of a session wait. Peers repeat those that are dropped.
const maxAdoptedFrames = 8

// isBeingAdopted reports whether Adopted is still to be emitted.
func (s *sessionState) isBeingAdopted() bool { return s.adopted != nil && !s.adopted.announced }

// isPaused reports whether PPP takes no step until Adopted was emitted.
func (s *sessionState) isPaused() bool { return s.isBeingAdopted() && s.adopted.paused }

// afterAdoption calls a function once Adopted was emitted: at once, unless the session is being adopted. By
// then the session may have ended.
func (l *loop) afterAdoption(now time.Time, s *sessionState, do func(now time.Time)) {
	if !s.isBeingAdopted() {
		do(now)
		return
	}
	s.adopted.waiting = append(s.adopted.waiting, do)
}

// holdEvent has an event of PPP of a session that is being adopted handled later.
func (l *loop) holdEvent(now time.Time, s *sessionState, event session.Event) {
	s.adopted.paused = true
	l.afterAdoption(now, s, func(now time.Time) { l.handleEvent(now, s, event) })
}

// holdFrame queues a frame for a session whose PPP is paused, and reports whether it is.
func (l *loop) holdFrame(now time.Time, s *sessionState, frame []byte) bool {
	if !s.isPaused() {
		return false
	}
	if s.adopted.frames == maxAdoptedFrames {
		l.drops.count(ErrQueueFull)
		return true
	}
	s.adopted.frames++
	frame = bytes.Clone(frame)
	l.afterAdoption(now, s, func(now time.Time) { l.receiveSession(now, frame) })
	return true
}

// announceAdopted emits Adopted, which is a session's first event, with the addresses that the session has had
// all the time. Then happens what has waited for that.
func (l *loop) announceAdopted(now time.Time, s *sessionState) {
	a := s.adopted
	a.announced = true
	l.emit(now, s, Adopted{Addressing: s.configuredAddressing(), Policy: s.policy, Counters: s.counters(), Uptime: s.firstConfigured.until(now)})
	if s.path != nil {
		s.adopted = nil
	}
	for _, do := range a.waiting {
		do(now)
	}
	a.waiting = nil
	l.setTimer(now, s)
}
