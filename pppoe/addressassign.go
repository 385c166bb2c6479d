package pppoe

import (
	"cmp"
	"errors"
	"net/netip"
	"time"
)

// beginNetworkPhase applies the policy of the user that was just authenticated. Nothing of an
// earlier user's policy stays, as the link may have been renegotiated by another.
func (l *serverLoop) beginNetworkPhase(now time.Time, s *sessionState) {
	l.setPolicy(now, s, l.policyFor(s.info(), s.authPolicy))
	if s.desired.device && s.otherUser {
		s.limits.restart(s.counters())
	}
	s.otherUser, s.desired.device = false, true
	l.loop.reconcile(s)
}

// policyFor returns the policy of a session: its own, or that of the server.
func (l *serverLoop) policyFor(info SessionInfo, own *SessionPolicy) *SessionPolicy {
	if own != nil {
		return own
	}
	if of := l.server.current.Load().Policy; of != nil {
		if p := of(info); p != nil {
			return p
		}
	}
	return &noPolicy
}

// completeAuth refuses a user who has too many sessions, and assigns the peer an address of its policy's
// pool if the Authenticator assigned none: the one that it had last, else one that is free and that the
// account allows. If there is none that it allows, the peer must request one that it allows. A pool that does
// not exist or is exhausted refuses the login.
func (l *serverLoop) completeAuth(s *sessionState, user string, d *AuthResult) {
	info := s.info()
	if !d.Accepted {
		return
	}
	info.User = user
	policy := l.policyFor(info, d.Policy)
	if err := l.admitUser(s, user, policy); err != nil {
		*d = AuthResult{}
		d.Reason = err.Error()
		return
	}
	s.claims.assign(d.Alternates...)
	if p := d.Policy; p != nil {
		d.NameServers, d.InterfaceID = p.DNS, p.InterfaceID
	}
	if d.Address.IsUnspecified() && !l.server.cfg.Withhold {
		return // the peer's choice
	}
	if d.Address.IsValid() && !d.Address.IsUnspecified() {
		d.Address = l.server.addresses.choose(d.Address, d.Alternates, s.Peer)
		s.claims.add(d.Address, claimAssigned)
		l.server.addresses.reserve(d.Address)
		return
	}
	a, err := l.assignAddress(s, info, policy, d.AllowAddress)
	switch {
	case err == errNoPools:
	case err == nil && !a.IsValid() && l.server.cfg.Withhold:
		err = errNoneAllowed
		fallthrough
	case err != nil:
		*d = AuthResult{}
		d.Reason = err.Error()
	case a.IsValid():
		d.Address = a
		s.claims.assign(a)
	default:
		d.Address = netip.IPv4Unspecified()
	}
}

// errNoneAllowed is why a login is refused where peers cannot choose an address.
var errNoneAllowed = errors.New("the account allows none of the addresses that are free")

// assignAddress assigns a session an address of the pool of its policy: see addressTable.assign.
func (l *serverLoop) assignAddress(s *sessionState, info SessionInfo, policy *SessionPolicy, allowed func(netip.Addr) bool) (netip.Addr, error) {
	cfg := l.server.current.Load()
	if cfg.Session.IPv4 == nil {
		return netip.Addr{}, errNoPools
	}
	r := addressRequest{state: s, info: info, pool: cmp.Or(cfg.DefaultPool, FirstPool), allowed: allowed, leaving: l.server.slots.isLeaving}
	if policy.AddressPool != "" {
		r.pool = policy.AddressPool
	}
	r.preferred = l.server.addressMemory.addressesOf(info)
	return l.server.addresses.assign(r)
}

// rememberAddress remembers the address of a session's peer for when it returns, if it is of a pool.
func (l *serverLoop) rememberAddress(s *sessionState, a Addressing) {
	if l.server.addresses.hasPool(a.IPv4.Remote) {
		l.server.addressMemory.remember(s.info(), toUint(a.IPv4.Remote))
	}
}
