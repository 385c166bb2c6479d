package pppoe

import (
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// receiveSession takes a session frame that the data path has left over. RFC
// 2516 section 6: session ID and both addresses identify the session.
func (l *loop) receiveSession(now time.Time, frame []byte) {
	if len(frame) < 14 {
		l.drops.count(wire.ErrShort)
		return
	}
	id, packet, err := wire.ParseSession(frame[14:])
	if err != nil {
		l.drops.count(err)
		return
	}
	s := l.sessions[id]
	if s == nil || s.Peer != wire.Addr(frame[6:12]) || s.endReason != nil {
		l.drops.count(discovery.ErrNotOurs)
		if s == nil {
			l.owner.handleUnknownSession(now, wire.Addr(frame[6:12]), id, frame)
		}
		return
	}
	if s.pppPending {
		if len(s.startQueue) < maxStartQueue {
			s.startQueue = append(s.startQueue, frame)
		}
		if !s.pppStart.IsZero() {
			l.startPPP(now, s)
		}
		return
	}
	if l.queueForDevice(s, packet, frame) {
		return
	}
	if l.trace {
		l.notify(s.SessionInfo, FrameReceived{Frame: packet})
	}
	s.ppp.Receive(now, packet, &s.out)
	l.flush(now, s)
}

// flush does what a step of a session wants done. Frames go out first, in one
// batch; then the world is told, in the order in which things arose.
func (l *loop) flush(now time.Time, s *sessionState) {
	l.batch = l.batch[:0]
	for frame := range s.out.Frames.All() {
		l.batch = append(l.batch, wire.AppendSessionFrame(nil, s.Peer, s.Local, s.SessionID, frame))
	}
	if len(l.batch) > 0 {
		l.ports.Session.WriteBatch(l.batch) // what is lost is repeated by its protocol
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

// emit tells the world of an event, and then the owner, whose answer may be
// further events.
func (l *loop) emit(now time.Time, s *sessionState, event Event) {
	l.notify(s.SessionInfo, event)
	l.owner.handleEvent(now, s, event)
}

// handleEvent does what an event means for the tunnel.
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
