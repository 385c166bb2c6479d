package pppoe

import (
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
)

// output returns the Output for a step of a session, until flush. Sessions share the loop's: few
// have one at a time, as tens of thousands are idle.
func (l *loop) output(s *sessionState) *session.Output {
	switch n := len(l.outputs); {
	case s.out != nil:
	case n > 0:
		s.out, l.outputs = l.outputs[n-1], l.outputs[:n-1]
	default:
		s.out = new(session.Output)
	}
	return s.out
}

// flush queues the frames that a step of a session has queued to be sent, and then emits its events, in the
// order in which they arose.
func (l *loop) flush(now time.Time, s *sessionState) {
	out := l.output(s)
	s.out = nil // an event may cause another step
	for frame := range out.Frames.All() {
		if !l.holdAck(now, s, frame) {
			l.outgoing.addSession(&s.SessionInfo, frame)
		}
	}
	l.sendFullBatch()
	for frame, event := range out.All() {
		switch {
		case event != nil:
			l.handleEvent(now, s, event)
		case l.trace && !l.holdsAck(frame):
			l.notify(s.SessionInfo, FrameSent{Frame: frame})
		}
	}
	out.Reset()
	l.outputs = append(l.outputs, out)
	l.dropOutdatedAcks(s)
	l.setTimer(now, s)
	if l.afterStep != nil {
		l.afterStep(s)
	}
}

// emit reports an event to Notify and then to the owner, which may cause further events.
func (l *loop) emit(now time.Time, s *sessionState, event Event) {
	if s.adopted != nil && !s.adopted.announced {
		l.announceAdopted(now, s)
	}
	l.notify(s.SessionInfo, event)
	l.owner.handleEvent(now, s, event)
}

// handleEvent reports an event of a session and updates the session's state.
func (l *loop) handleEvent(now time.Time, s *sessionState, event session.Event) {
	l.emit(now, s, event)
	switch e := event.(type) {
	case session.Dropped:
		l.drops.count(e.Err)
	case session.LinkUp:
		s.setMTU()
	case session.IPv4Up:
		l.extendHold(now, s, ppp.IPCP)
		if l.owner.claimAddress(now, s, e.Agreement) {
			s.desired.IPv4 = newAgreement(e.Agreement)
			l.defaultRemote(s)
			l.reconcile(s)
		}
	case session.IPv6Up:
		l.extendHold(now, s, ppp.IPv6CP)
		s.desired.IPv6 = e.Agreement
		l.reconcile(s)
	case session.NetworkDown:
		l.networkDown(now, s, e.Protocol)
	case session.Closed:
		l.sessionClosed(s, e.Reason)
	}
}
