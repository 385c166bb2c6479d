package pppoe

import (
	"net/netip"
	"time"
)

// beginNetworkPhase applies the policy of the user that was just authenticated. Nothing of an
// earlier user's policy stays, as the link may have been renegotiated by another.
func (l *serverLoop) beginNetworkPhase(now time.Time, s *sessionState) {
	policy := &noPolicy
	switch policyOf := l.server.current.Load().Policy; {
	case s.authPolicy != nil:
		policy = s.authPolicy
	case policyOf != nil:
		if p := policyOf(s.SessionInfo); p != nil {
			policy = p
		}
	}
	l.setPolicy(now, s, policy)
	if s.desired.device && s.User != s.networkUser {
		s.limits.restart(s.counters())
	}
	s.networkUser, s.desired.device = s.User, true
	l.loop.reconcile(s)
}

// completeAuth assigns the peer an address of the pool if the Authenticator assigned none: the one
// that it had last, else the session's own, else a free one that the account allows. If there is
// none, the peer must request one that its account allows.
func (l *serverLoop) completeAuth(s *sessionState, user string, d *AuthResult) {
	pool, info := l.server.cfg.Pool, s.SessionInfo
	if !d.Accepted {
		return
	}
	s.claims.assigned = newAddressSet(d.Alternates...)
	if p := d.Policy; p != nil {
		d.NameServers, d.InterfaceID = p.DNS, p.InterfaceID
	}
	if d.Address.IsUnspecified() {
		return // the peer's choice
	}
	if d.Address.IsValid() {
		d.Address = l.server.addresses.choose(d.Address, d.Alternates, s.Peer)
		s.claims.assigned.add(d.Address)
		if index, ok := pool.indexOf(d.Address); ok {
			l.server.slots.reserve(index)
		}
		return
	}
	if !pool.First.Is4() {
		return
	}
	info.User = user
	d.Address = netip.IPv4Unspecified()
	if l.assignPoolIndex(s, info, d.AllowAddress) {
		d.Address = pool.addrAt(l.server.slots.indexOf(s.Unit))
		s.claims.assigned = newAddressSet(d.Address)
	}
}

// assignPoolIndex assigns a session an index of the pool whose address no other session has, except
// for an ending one of the same client, and that is allowed; allowed nil: all are. It reports whether
// there is one.
func (l *serverLoop) assignPoolIndex(s *sessionState, info SessionInfo, allowed func(netip.Addr) bool) bool {
	usable := func(index int) bool {
		a := l.server.cfg.Pool.addrAt(index)
		return (allowed == nil || allowed(a)) && l.server.addresses.isFreeFor(a, s, info)
	}
	return l.server.slots.assignIndex(info.Unit, usable, l.server.addressMemory.indexesOf(info)...)
}

// rememberAddress remembers the address of a session's peer for when it returns.
func (l *serverLoop) rememberAddress(s *sessionState, e Configured) {
	if index, ok := l.server.cfg.Pool.indexOf(e.IPv4.Remote); ok {
		l.server.addressMemory.remember(s.SessionInfo, index)
	}
}
