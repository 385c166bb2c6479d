package pppoe

import (
	"slices"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
)

// step is what a session does in a call, until flush.
type step struct {
	of  *sessionState
	out *session.Output
}

// output returns the Output for a step of a session, until flush. Sessions share the loop's: few
// have one at a time, as tens of thousands are idle.
func (l *loop) output(s *sessionState) *session.Output {
	for _, p := range l.steps {
		if p.of == s {
			return p.out
		}
	}
	if len(l.outputs) == 0 {
		l.outputs = append(l.outputs, new(session.Output))
	}
	last := len(l.outputs) - 1
	out := l.outputs[last]
	l.outputs = l.outputs[:last]
	l.steps = append(l.steps, step{s, out})
	return out
}

// endStep ends the step of a session, and returns its Output.
func (l *loop) endStep(s *sessionState) *session.Output {
	out := l.output(s)
	l.steps = slices.DeleteFunc(l.steps, func(p step) bool { return p.of == s })
	return out
}

// flush queues the frames that a step of a session has queued to be sent, and then emits its events, in the
// order in which they arose.
func (l *loop) flush(now time.Time, s *sessionState) {
	out := l.endStep(s) // an event may cause another step
	for frame := range out.Frames.All() {
		if !l.holdAck(now, s, frame) {
			l.outgoing.addSession(&s.sessionIdentity, frame)
		}
	}
	l.sendFullBatch()
	for frame, event := range out.All() {
		switch {
		case event != nil && s.isBeingAdopted():
			l.holdEvent(now, s, event)
		case event != nil:
			l.handleEvent(now, s, event)
		case l.trace && !l.holdsAck(frame):
			l.notify(s.info(), FrameSent{Frame: frame})
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
	l.notify(s.info(), event)
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
