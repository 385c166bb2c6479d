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
	own     []netip.Addr   // those that it was given, not those that it has asked for
	held    []netip.Addr   // until the device has lost them
	awaited ipcp.Agreement // has no valid addresses unless another session is to lose them first
}

// claim reports whether a session may now have what IPCP has agreed on: no other session of the
// server has the peer's address. Otherwise it has it later, as soon as the other's device has
// lost it; or this session ends, if the older one is to be kept.
func (o *serverLoop) claim(now time.Time, t *tunnel, a ipcp.Agreement) bool {
	me := sessionRef{o, t, t.SessionInfo}
	older, displaced, waits, ok := o.server.addresses.take(a.Remote, me, func(older SessionInfo) bool { return o.replaces(t, older, a.Remote) })
	switch {
	case ok:
		t.claims.hold(a.Remote)
		return true
	case !waits:
		o.loop.notify(t.SessionInfo, AddressInUse{Addr: a.Remote, By: older.line})
		me.later(func(now time.Time) {
			o.loop.close(now, t, session.Reason{Cause: session.AddressInUse, Text: "IP address is in use by another session"})
		})
		older.later(func(now time.Time) { older.at.probe(now, older.t) })
		return false
	}
	t.claims.awaited = a
	// An older session loses the address with the network phase, before its peer has answered.
	for _, s := range [...]sessionRef{older, displaced} {
		s.later(func(now time.Time) {
			if s.t.session.Phase() != session.Terminate {
				s.at.loop.notify(s.t.SessionInfo, AddressTakenOver{Addr: a.Remote, By: me.line})
			}
			s.at.loop.close(now, s.t, session.Reason{Cause: session.Replaced, Text: "IP address is taken over by a newer session"})
		})
	}
	return false
}

// replaces reports whether a session takes an address over from an older one. A peer that was
// given the address takes it from any user, one that has only asked for it from its own user
// alone: otherwise any user could end another's session.
func (o *serverLoop) replaces(t *tunnel, older SessionInfo, addr netip.Addr) bool {
	return !o.server.cfg.KeepOlder && (t.User == older.User || slices.Contains(t.claims.own, addr))
}

// later has a session's own loop do something with it, unless it has ended by then.
func (s sessionRef) later(do func(now time.Time)) {
	if s.t == nil {
		return
	}
	// Ends when the loop has taken the call, or has ended. A loop must not wait for another.
	go s.at.loop.call(func(now time.Time) {
		if s.t.reason == nil {
			do(now)
		}
	})
}

// probe asks a session's peer whether it still is there.
func (o *serverLoop) probe(now time.Time, t *tunnel) {
	t.session.Probe(now, &t.out)
	o.loop.flush(now, t)
}

func (c *claims) hold(addr netip.Addr) {
	if !slices.Contains(c.held, addr) {
		c.held = append(c.held, addr)
	}
}

// unclaim gives back the addresses of a session that neither its device has any more nor it
// wants: called with what the device has.
func (o *serverLoop) unclaim(t *tunnel, have Addressing) {
	kept := t.claims.held[:0]
	for _, addr := range t.claims.held {
		if addr == have.IPv4.Remote || addr == t.want.IPv4.Remote {
			kept = append(kept, addr)
		} else {
			o.drop(addr, t)
		}
	}
	t.claims.held = kept
}

// unawait has a session wait for no address any more.
func (o *serverLoop) unawait(t *tunnel) {
	if addr := t.claims.awaited.Remote; addr.IsValid() {
		t.claims.awaited = ipcp.Agreement{}
		o.drop(addr, t)
	}
}

// drop gives back an address, and hands it on to the session that waits for it.
func (o *serverLoop) drop(addr netip.Addr, t *tunnel) {
	if next, ok := o.server.addresses.drop(addr, t); ok {
		next.later(func(now time.Time) { next.at.receiveAddress(next.t, addr) })
	}
}

// receiveAddress goes on with a session whose peer's address another session has lost.
func (o *serverLoop) receiveAddress(t *tunnel, addr netip.Addr) {
	a := t.claims.awaited
	if a.Remote != addr {
		if !slices.Contains(t.claims.held, addr) {
			o.drop(addr, t) // it wants it no more
		}
		return
	}
	t.claims.awaited = ipcp.Agreement{}
	t.claims.hold(addr)
	t.want.IPv4 = a
	o.loop.reconcile(t)
}
