package pppoe

import (
	"net/netip"
	"slices"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp/session"
)

// claims are a session's, of a server: the addresses that its peer has by it.
type claims struct {
	assigned []netip.Addr   // those that it was given, not those that it has asked for
	held     []netip.Addr   // until the device has lost them
	awaited  ipcp.Agreement // has no valid addresses unless another session is to lose them first
}

// claimAddress reports whether a session may now have what IPCP has agreed on: no other session of the
// server has the peer's address. Otherwise it has it later, as soon as the other's device has
// lost it; or this session ends, if the older one is to be kept.
func (l *serverLoop) claimAddress(now time.Time, s *sessionState, a ipcp.Agreement) bool {
	me := sessionRef{l, s, s.SessionInfo}
	older, displaced, waits, ok := l.server.addresses.claim(a.Remote, me, func(older SessionInfo) bool { return l.replaces(s, older, a.Remote) })
	switch {
	case ok:
		s.claims.add(a.Remote)
		return true
	case !waits:
		l.loop.notify(s.SessionInfo, AddressInUse{Addr: a.Remote, By: older.info})
		me.call(func(now time.Time) {
			l.loop.closeSession(now, s, session.Reason{Cause: session.AddressInUse, Text: "IP address is in use by another session"})
		})
		older.call(func(now time.Time) { older.owner.probe(now, older.state) })
		return false
	}
	s.claims.awaited = a
	// An older session loses the address with the network phase, before its peer has answered.
	for _, ref := range [...]sessionRef{older, displaced} {
		ref.call(func(now time.Time) {
			if ref.state.ppp.Phase() != session.Terminate {
				ref.owner.loop.notify(ref.state.SessionInfo, AddressTakenOver{Addr: a.Remote, By: me.info})
			}
			ref.owner.loop.closeSession(now, ref.state, session.Reason{Cause: session.Replaced, Text: "IP address is taken over by a newer session"})
		})
	}
	return false
}

// replaces reports whether a session takes an address over from an older one. A peer that was
// given the address takes it from any user, one that has only asked for it from its own user
// alone: otherwise any user could end another's session.
func (l *serverLoop) replaces(s *sessionState, older SessionInfo, addr netip.Addr) bool {
	return !l.server.cfg.KeepOlder && (s.User == older.User || slices.Contains(s.claims.assigned, addr))
}

// call has a session's own loop do something with it, unless it has ended by then.
func (r sessionRef) call(do func(now time.Time)) {
	if r.state == nil {
		return
	}
	// Ends when the loop has taken the call, or has ended. A loop must not wait for another.
	go r.owner.loop.call(func(now time.Time) {
		if r.state.endReason == nil {
			do(now)
		}
	})
}

// probe asks a session's peer whether it still is there.
func (l *serverLoop) probe(now time.Time, s *sessionState) {
	s.ppp.Probe(now, &s.out)
	l.loop.flush(now, s)
}

func (c *claims) add(addr netip.Addr) {
	if !slices.Contains(c.held, addr) {
		c.held = append(c.held, addr)
	}
}

// releaseAddresses gives back the addresses of a session that neither its device has any more nor it
// wants: called with what the device has.
func (l *serverLoop) releaseAddresses(s *sessionState, have Addressing) {
	kept := s.claims.held[:0]
	for _, addr := range s.claims.held {
		if addr == have.IPv4.Remote || addr == s.desired.IPv4.Remote {
			kept = append(kept, addr)
		} else {
			l.releaseAddress(addr, s)
		}
	}
	s.claims.held = kept
}

// cancelAddressWait has a session wait for no address any more.
func (l *serverLoop) cancelAddressWait(s *sessionState) {
	if addr := s.claims.awaited.Remote; addr.IsValid() {
		s.claims.awaited = ipcp.Agreement{}
		l.releaseAddress(addr, s)
	}
}

// releaseAddress gives back an address, and hands it on to the session that waits for it.
func (l *serverLoop) releaseAddress(addr netip.Addr, s *sessionState) {
	if next, ok := l.server.addresses.release(addr, s); ok {
		next.call(func(now time.Time) { next.owner.addressReleased(next.state, addr) })
	}
}

// addressReleased goes on with a session whose peer's address another session has lost.
func (l *serverLoop) addressReleased(s *sessionState, addr netip.Addr) {
	a := s.claims.awaited
	if a.Remote != addr {
		if !slices.Contains(s.claims.held, addr) {
			l.releaseAddress(addr, s) // it wants it no more
		}
		return
	}
	s.claims.awaited = ipcp.Agreement{}
	s.claims.add(addr)
	s.desired.IPv4 = a
	l.loop.reconcile(s)
}
