package pppoe

import (
	"net/netip"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
)

// claimAddress reports whether a session may use what IPCP has agreed on: no other session of the
// server has the peer's address. Otherwise the session gets it as soon as the other's device has
// lost it; or, if the older session is to be kept, this one ends.
func (l *serverLoop) claimAddress(now time.Time, s *sessionState, a ipcp.Agreement) bool {
	me := sessionRef{l, s, s.User}
	older, displaced, waits, ok := l.server.addresses.claim(a.Remote, me, func(older sessionRef) bool { return l.replaces(s, older, a.Remote) })
	switch {
	case ok:
		s.claims.add(a.Remote, claimHeld)
		return true
	case !waits:
		l.loop.notify(s.info(), AddressInUse{Addr: a.Remote, By: older.info()})
		me.call(func(now time.Time) {
			l.loop.closeSession(now, s, session.Reason{Cause: session.CauseAddressInUse, Text: "IP address is in use by another session"})
		})
		older.call(func(now time.Time) { older.owner.checkPeer(now, older.state) })
		return false
	}
	l.awaiting[s] = a
	for _, ref := range [...]sessionRef{older, displaced} {
		ref.call(func(now time.Time) {
			if ref.state.ppp.Phase() != session.PhaseTerminate {
				ref.owner.loop.notify(ref.state.info(), AddressTakenOver{Addr: a.Remote, By: me.info()})
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
	return older.state.ending.Load() || !l.server.current.Load().KeepOlder && (s.User == older.user || s.claims.has(claimAssigned, addr))
}

// call runs a function in the loop of a session, unless the session has ended by then.
func (r sessionRef) call(do func(now time.Time)) {
	if r.state == nil {
		return
	}
	// Ends when the loop has accepted the call or ended. A loop must not wait for another.
	go r.owner.loop.call(func(now time.Time) {
		r.owner.loop.afterAdoption(now, r.state, func(now time.Time) {
			if r.state.endReason == nil {
				do(now)
			}
		})
	})
}

// checkPeer checks with an Echo-Request whether a session's peer is still there.
func (l *serverLoop) checkPeer(now time.Time, s *sessionState) {
	if s.isPaused() {
		return
	}
	s.ppp.CheckPeer(now, l.loop.output(s))
	l.loop.flush(now, s)
}

// releaseAddresses releases the addresses that neither the session's device has nor the session
// wants. It is called with what the device has.
func (l *serverLoop) releaseAddresses(s *sessionState, have Addressing) {
	s.claims.retain(claimHeld, func(addr netip.Addr) bool {
		keep := addr == have.IPv4.Remote || addr == s.desired.IPv4.remote.addr()
		if !keep {
			l.releaseAddress(addr, s)
		}
		return keep
	})
}

// cancelAddressWait ends a session's wait for an address.
func (l *serverLoop) cancelAddressWait(s *sessionState) {
	if a, waits := l.awaiting[s]; waits {
		delete(l.awaiting, s)
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
	a, waits := l.awaiting[s]
	if !waits || a.Remote != addr {
		if !s.claims.has(claimHeld, addr) {
			l.releaseAddress(addr, s) // it no longer wants it
		}
		return
	}
	delete(l.awaiting, s)
	s.claims.add(addr, claimHeld)
	s.desired.IPv4 = newAgreement(a)
	l.loop.reconcile(s)
}
