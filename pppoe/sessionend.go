package pppoe

import (
	"errors"
	"fmt"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// closeSession ends a session in good order.
func (l *loop) closeSession(now time.Time, s *sessionState, r session.Reason) {
	s.ppp.Close(now, r, &s.out)
	l.flush(now, s)
}

// closeWithoutWaiting ends a session at once whose peer may be gone: it is sent a Terminate-Request and a PADT,
// and nobody waits for an answer.
func (l *loop) closeWithoutWaiting(now time.Time, s *sessionState, r session.Reason) {
	l.closeSession(now, s, r)
	if s.endReason == nil {
		l.terminateSession(now, s, r)
	}
}

// terminateSession ends a session at once, with a PADT and no more: no answer of the peer would arrive.
func (l *loop) terminateSession(now time.Time, s *sessionState, r session.Reason) {
	s.ppp.Down(now, r, &s.out)
	l.flush(now, s)
}

// dropSession ends a session at once, without a word to the peer.
func (l *loop) dropSession(now time.Time, s *sessionState, r session.Reason) {
	s.noPADT = true
	l.terminateSession(now, s, r)
}

// dropAndDeferPADT ends a session whose peer cannot be told so now. It is to be told once frames can go
// out again: else it would have the session until its echoes fail.
func (l *loop) dropAndDeferPADT(now time.Time, s *sessionState, r session.Reason) {
	if s.endReason == nil {
		l.deferredPADTs = append(l.deferredPADTs, wire.NewPADT(s.Peer, s.Local, s.SessionID, ""))
	}
	l.dropSession(now, s, r)
}

// terminateReaddressed ends a session under an address that the interface has no more. The PADT still comes
// from that address, as the peer accepts no other (RFC 2516 section 6). An interface whose
// address changes is often down meanwhile: so the PADT is sent again later.
func (l *loop) terminateReaddressed(now time.Time, s *sessionState) {
	if s.endReason == nil {
		l.deferredPADTs = append(l.deferredPADTs, wire.NewPADT(s.Peer, s.Local, s.SessionID, ""))
	}
	l.terminateSession(now, s, session.Reason{Cause: session.HangUp, Text: errAddressChanged.Error()})
}

// sendDeferredPADTs sends the PADTs that an earlier loop of the interface could not send.
func (l *loop) sendDeferredPADTs(frames []wire.DiscoveryFrame) {
	var q wire.Queue
	for _, f := range frames {
		q.Add(f)
		l.sendDiscovery(SessionInfo{Interface: l.iface, SessionID: f.SessionID, Local: f.Src, Peer: f.Dst}, &q)
	}
}

// sessionClosed tells the peer that the session is no more, and has its device removed.
func (l *loop) sessionClosed(s *sessionState, r session.Reason) {
	s.endReason = &r
	l.dropDeviceQueue(s)
	if !s.noPADT {
		var q wire.Queue
		padt := wire.NewPADT(s.Peer, s.Local, s.SessionID, "")
		padt.Tags = s.padtTags
		q.Add(padt)
		l.sendDiscovery(s.SessionInfo, &q)
	}
	s.desired.device = false
	l.reconcile(s)
}

// removeSession forgets a tunnel whose session is over and whose device is gone.
func (l *loop) removeSession(now time.Time, s *sessionState, f actual) {
	l.timers.Set(s, time.Time{})
	delete(l.sessions, s.SessionID)
	l.sourceFilters.remove(s.SessionID)
	event := Ended{Reason: *s.endReason, Counters: f.counters, SentPADT: !s.noPADT}
	if !s.firstConfigured.IsZero() {
		event.Uptime = now.Sub(s.firstConfigured)
	}
	l.emit(now, s, event)
}

// fail ends the loop and all its sessions, since the ports are lost or of no more use. The
// first reason counts.
func (l *loop) fail(now time.Time, why error) {
	if l.err != nil {
		return
	}
	l.err = fmt.Errorf("%s: %w", l.iface, why)
	for _, s := range l.sessions {
		if errors.Is(why, errAddressChanged) {
			l.terminateReaddressed(now, s)
		} else {
			l.dropAndDeferPADT(now, s, session.Reason{Cause: session.HangUp, Text: "the interface is lost"})
		}
	}
	l.owner.stop(now)
}
