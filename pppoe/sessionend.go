package pppoe

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// closeSession ends a session with a Terminate-Request and waits for the Terminate-Ack.
func (l *loop) closeSession(now time.Time, s *sessionState, r session.Reason) {
	if s.isPaused() {
		l.afterAdoption(now, s, func(now time.Time) { l.closeSession(now, s, r) })
		return
	}
	s.ppp.Close(now, r, l.output(s))
	l.flush(now, s)
}

// closeWithoutWaiting ends a session whose peer may be gone: it sends a Terminate-Request and a
// PADT, and waits for no answer.
func (l *loop) closeWithoutWaiting(now time.Time, s *sessionState, r session.Reason) {
	l.closeSession(now, s, r)
	if s.endReason == nil {
		l.terminateSession(now, s, r)
	}
}

// terminateSession ends a session with a PADT only.
func (l *loop) terminateSession(now time.Time, s *sessionState, r session.Reason) {
	if s.isPaused() {
		l.afterAdoption(now, s, func(now time.Time) { l.terminateSession(now, s, r) })
		return
	}
	s.ppp.Down(now, r, l.output(s))
	l.flush(now, s)
}

// replaceSession ends a session that a newer one replaces. Its device loses its addresses and routes at
// once, before the peer has answered, also if the session is ending already: the newer one needs them.
func (l *loop) replaceSession(now time.Time, s *sessionState, why string) {
	l.closeSession(now, s, session.Reason{Cause: session.CauseReplaced, Text: why})
	if s.endReason == nil {
		l.reconcile(s)
	}
}

// dropSession ends a session without a packet to the peer.
func (l *loop) dropSession(now time.Time, s *sessionState, r session.Reason) {
	if s.noPADT && s.isPaused() {
		return // it waits for that already
	}
	s.noPADT = true
	l.terminateSession(now, s, r)
}

// dropAndDeferPADT ends a session whose peer cannot be reached now. The PADT is sent once frames
// can be sent again; without it the peer would keep the session until its echoes fail.
func (l *loop) dropAndDeferPADT(now time.Time, s *sessionState, r session.Reason) {
	if s.endReason == nil {
		l.deferredPADTs = append(l.deferredPADTs, l.padt(s))
	}
	l.dropSession(now, s, r)
}

// terminateReaddressed ends a session under an address that the interface no longer has. The PADT
// comes from that address, because the peer accepts no other (RFC 2516 section 6). It is sent again
// later, because an interface is often down while its address changes.
func (l *loop) terminateReaddressed(now time.Time, s *sessionState) {
	if s.endReason == nil {
		l.deferredPADTs = append(l.deferredPADTs, l.padt(s))
	}
	l.terminateSession(now, s, session.Reason{Cause: session.CauseHangUp, Text: errAddressChanged.Error()})
}

// padt returns the PADT that ends the session.
func (l *loop) padt(s *sessionState) wire.DiscoveryFrame {
	f := wire.NewPADT(s.Peer, s.Local, s.SessionID, "")
	f.VLAN, f.Tags = s.vlan, l.padtTags
	return f
}

// sendDeferredPADTs sends the PADTs that an earlier loop of the interface could not send.
func (l *loop) sendDeferredPADTs(frames []wire.DiscoveryFrame) {
	var q wire.Queue
	for _, f := range frames {
		q.Add(f)
		l.sendDiscovery(SessionInfo{Interface: attachmentName(l.iface, f.VLAN), SessionID: f.SessionID, Local: f.Src, Peer: f.Dst}, &q)
	}
}

// sessionClosed sends a PADT after PPP has ended, unless the peer must not be sent one, and removes
// the session's device.
func (l *loop) sessionClosed(s *sessionState, r session.Reason) {
	s.endReason = &r
	l.dropDeviceQueue(s)
	delete(l.heldAcks, s)
	if !s.noPADT {
		var q wire.Queue
		q.Add(l.padt(s))
		l.sendDiscovery(s.info(), &q)
	}
	s.desired.device = false
	l.reconcile(s)
}

// removeSession removes a session that has ended and whose device is gone.
func (l *loop) removeSession(now time.Time, s *sessionState, a actual) {
	l.timers.Remove(s)
	l.sessions.Delete(s.frameKey())
	l.sourceFilters.clear(s.Generation)
	if s.adopted != nil {
		a.counters = a.counters.Plus(s.adopted.counters)
	}
	event := Ended{Reason: *s.endReason, Counters: a.counters, SentPADT: !s.noPADT}
	if !s.firstConfigured.isNone() {
		event.Uptime = s.firstConfigured.until(now)
	}
	l.emit(now, s, event)
}

// fail ends all sessions and the loop after the ports were lost or have become useless. The first
// error is the loop's.
func (l *loop) fail(now time.Time, why error) {
	if l.err != nil {
		return
	}
	l.err = why
	if !strings.HasPrefix(why.Error(), l.iface+": ") { // the port's errors name the interface
		l.err = fmt.Errorf("%s: %w", l.iface, why)
	}
	for s := range l.sessions.All() {
		if errors.Is(why, errAddressChanged) {
			l.terminateReaddressed(now, s)
		} else {
			l.dropAndDeferPADT(now, s, session.Reason{Cause: session.CauseHangUp, Text: "the interface is lost"})
		}
	}
	l.owner.stop(now)
}
