package pppoe

import (
	"net/netip"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
)

// claims are the IPv4 addresses that a session of a server has claimed for its peer.
type claims struct {
	assigned addressSet      // addresses that the server has assigned, not those that the peer requested
	held     addressSet      // until the device no longer has them
	awaited  *ipcp.Agreement // another session must lose the address first; nil: none
}

// claimAddress reports whether a session may use what IPCP has agreed on: no other session of the
// server has the peer's address. Otherwise the session gets it as soon as the other's device has
// lost it; or, if the older session is to be kept, this one ends.
func (l *serverLoop) claimAddress(now time.Time, s *sessionState, a ipcp.Agreement) bool {
	me := sessionRef{l, s, s.User}
	older, displaced, waits, ok := l.server.addresses.claim(a.Remote, me, func(older sessionRef) bool { return l.replaces(s, older, a.Remote) })
	switch {
	case ok:
		s.claims.held.add(a.Remote)
		return true
	case !waits:
		l.loop.notify(s.SessionInfo, AddressInUse{Addr: a.Remote, By: older.info()})
		me.call(func(now time.Time) {
			l.loop.closeSession(now, s, session.Reason{Cause: session.CauseAddressInUse, Text: "IP address is in use by another session"})
		})
		older.call(func(now time.Time) { older.owner.checkPeer(now, older.state) })
		return false
	}
	s.claims.awaited = &a
	for _, ref := range [...]sessionRef{older, displaced} {
		ref.call(func(now time.Time) {
			if ref.state.ppp.Phase() != session.PhaseTerminate {
				ref.owner.loop.notify(ref.state.SessionInfo, AddressTakenOver{Addr: a.Remote, By: me.info()})
			}
			ref.owner.loop.replaceSession(now, ref.state, "IP address is taken over by a newer session")
		})
	}
	return false
}

// replaces reports whether a session takes over the address of an older one. A peer that the server
// assigned the address takes it from any user; a peer that requested it, only from the same user:
// otherwise any user could end another's session. A session that is ending loses it in any case.
func (l *serverLoop) replaces(s *sessionState, older sessionRef, addr netip.Addr) bool {
	return older.state.ending.Load() || !l.server.current.Load().KeepOlder && (s.User == older.user || s.claims.assigned.contains(addr))
}

// call runs a function in the loop of a session, unless the session has ended by then.
func (r sessionRef) call(do func(now time.Time)) {
	if r.state == nil {
		return
	}
	// Ends when the loop has accepted the call or ended. A loop must not wait for another.
	go r.owner.loop.call(func(now time.Time) {
		if r.state.endReason == nil {
			do(now)
		}
	})
}

// checkPeer checks with an Echo-Request whether a session's peer is still there.
func (l *serverLoop) checkPeer(now time.Time, s *sessionState) {
	s.ppp.CheckPeer(now, l.loop.output(s))
	l.loop.flush(now, s)
}

// releaseAddresses releases the addresses that neither the session's device has nor the session
// wants. It is called with what the device has.
func (l *serverLoop) releaseAddresses(s *sessionState, have Addressing) {
	var kept addressSet
	for addr := range s.claims.held.all() {
		if addr == have.IPv4.Remote || addr == s.desired.IPv4.remote.addr() {
			kept.add(addr)
		} else {
			l.releaseAddress(addr, s)
		}
	}
	s.claims.held = kept
}

// cancelAddressWait ends a session's wait for an address.
func (l *serverLoop) cancelAddressWait(s *sessionState) {
	if a := s.claims.awaited; a != nil {
		s.claims.awaited = nil
		l.releaseAddress(a.Remote, s)
	}
}

// releaseAddress releases an address, and passes it to the session that waits for it.
func (l *serverLoop) releaseAddress(addr netip.Addr, s *sessionState) {
	if next, ok := l.server.addresses.release(addr, s); ok {
		next.call(func(now time.Time) { next.owner.addressReleased(next.state, addr) })
	}
}

// addressReleased continues a session whose peer's address another session has lost.
func (l *serverLoop) addressReleased(s *sessionState, addr netip.Addr) {
	a := s.claims.awaited
	if a == nil || a.Remote != addr {
		if !s.claims.held.contains(addr) {
			l.releaseAddress(addr, s) // it no longer wants it
		}
		return
	}
	s.claims.awaited = nil
	s.claims.held.add(addr)
	s.desired.IPv4 = newAgreement(*a)
	l.loop.reconcile(s)
}
