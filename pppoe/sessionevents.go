package pppoe

import (
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// receiveSession handles a session frame that the data path did not. Session ID and both addresses
// identify the session (RFC 2516 section 6).
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

// flush sends the frames that a step of a session has queued, in one batch, and then emits its
// events, in the order in which they arose.
func (l *loop) flush(now time.Time, s *sessionState) {
	l.batch = l.batch[:0]
	for frame := range s.out.Frames.All() {
		l.batch = append(l.batch, wire.AppendSessionFrame(nil, s.Peer, s.Local, s.SessionID, frame))
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
