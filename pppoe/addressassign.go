package pppoe

import "net/netip"

// beginNetworkPhase has the session be its peer's: also one that had another peer's until its link was
// negotiated anew, of which nothing stays.
func (l *serverLoop) beginNetworkPhase(s *sessionState) {
	s.policy = SessionPolicy{}
	switch ask := l.server.current.Load().Policy; {
	case s.authPolicy != nil:
		s.policy = *s.authPolicy
	case ask != nil:
		s.policy = ask(s.SessionInfo)
	}
	if s.desired.device && s.User != s.networkUser {
		s.limits.restart(l.loop.path.Counters(s.SessionID))
	}
	s.networkUser, s.desired.device = s.User, true
	l.loop.reconcile(s)
}

// completeAuth gives the peer an address of the pool if the Authority names none: the one that it had
// last, or the session's own, or another that is free if its account allows only that. If there
// is none, the peer must name one that its account allows.
func (l *serverLoop) completeAuth(s *sessionState, d *AuthResult) {
	pool, line := l.server.cfg.Pool, s.SessionInfo
	if !d.Accepted {
		return
	}
	s.claims.assigned = d.Alternates
	if d.Address.IsValid() {
		d.Address = l.server.addresses.choose(d.Address, d.Alternates, s.Peer)
		s.claims.assigned = append([]netip.Addr{d.Address}, d.Alternates...)
		if place, ok := pool.indexOf(d.Address); ok {
			l.server.slots.reserve(place)
		}
		return
	}
	if !pool.First.Is4() {
		return
	}
	line.User = s.authUser
	d.Address = netip.IPv4Unspecified()
	if l.assignPoolIndex(s, line, d.AllowAddress) {
		d.Address = pool.addrAt(l.server.slots.indexOf(int(s.SessionID) - 1))
		s.claims.assigned = []netip.Addr{d.Address}
	}
}

// assignPoolIndex gives a session a place in the pool whose address no other session has and that is
// allowed; nil: each is. It reports whether there is one.
func (l *serverLoop) assignPoolIndex(s *sessionState, line SessionInfo, allowed func(netip.Addr) bool) bool {
	willDo := func(place int) bool {
		a := l.server.cfg.Pool.addrAt(place)
		return (allowed == nil || allowed(a)) && l.server.addresses.isFree(a, s)
	}
	return l.server.slots.assignIndex(int(line.SessionID)-1, willDo, l.server.addressMemory.indexesOf(line)...)
}

// rememberAddress remembers the address of a session's peer, for when it comes back.
func (l *serverLoop) rememberAddress(s *sessionState, e Configured) {
	if place, ok := l.server.cfg.Pool.indexOf(e.IPv4.Remote); ok {
		l.server.addressMemory.remember(s.SessionInfo, place)
	}
}
