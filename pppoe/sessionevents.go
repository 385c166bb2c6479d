package pppoe

import (
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// flush sends the frames that a step of a session has queued, in one batch, and then emits its
// events, in the order in which they arose.
func (l *loop) flush(now time.Time, s *sessionState) {
	l.batch = l.batch[:0]
	for frame := range s.out.Frames.All() {
		l.batch = append(l.batch, wire.AppendTaggedSession(nil, s.Peer, s.Local, s.vlan, s.SessionID, frame))
	}
	if len(l.batch) > 0 {
		l.ports.Session.WriteBatch(l.batch) // lost frames are repeated by their protocol
	}
	for frame, event := range s.out.All() {
		switch {
		case event != nil:
			l.handleEvent(now, s, event)
		case l.trace:
			l.notify(s.SessionInfo, FrameSent{Frame: frame})
		}
	}
	s.out.Reset()
	l.setTimer(now, s)
}

// emit reports an event to Notify and then to the owner, which may cause further events.
func (l *loop) emit(now time.Time, s *sessionState, event Event) {
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
		s.desired.MTU = min(e.MRU, e.PeerMRU)
	case session.IPv4Up:
		if l.owner.claimAddress(now, s, e.Agreement) {
			s.desired.IPv4 = e.Agreement
			l.defaultRemote(s)
			l.reconcile(s)
		}
	case session.IPv6Up:
		s.desired.IPv6 = e.Agreement
		l.reconcile(s)
	case session.NetworkDown:
		l.networkDown(now, s, e.Protocol)
	case session.Closed:
		l.sessionClosed(s, e.Reason)
	}
}
