package pppoe

import (
	"errors"
	"net/netip"
	"time"

	"upppoe/pppoe/datapath"
)

// SessionPolicy is what a server grants and enforces: the result of authorization, as one value. It
// is applied as a whole; nothing of an earlier policy of the session stays. It is immutable once it
// is given to a Server. The zero value enforces nothing.
type SessionPolicy struct {
	// CheckSource drops packets from the peer whose source address is not one of its own (BCP 38).
	// Its own are, for IPv4, the address that it has from IPCP; for IPv6, its link-local address (the
	// negotiated interface identifier, RFC 5072 section 5) and the prefixes set by
	// Server.SetSourcePrefixes; for both, AllowSources and FramedRoutes. Sessions of a shared device
	// are always checked.
	CheckSource bool
	// AllowSources are prefixes of either family that may be source addresses too. Somebody else
	// routes them to the peer.
	AllowSources []netip.Prefix
	// FramedRoutes are prefixes of either family behind the peer (RFC 2865 section 5.22): they are
	// routed to it while it has the address family. A session takes them over from an older one of
	// the same user, which ends, unless ServerConfig.KeepOlder; it ends itself if another has them.
	FramedRoutes []netip.Prefix
	// Up limits the traffic from the peer, Down the traffic to it. Zero: no limit.
	Up, Down datapath.Rate
	// Limits end the session by timeout or volume; nil: ServerConfig.Limits.
	Limits *SessionLimits
	// MSS is as ClientConfig.MSS; zero: ServerConfig.MSS.
	MSS int
}

// noPolicy is the policy of a session before it has one.
var noPolicy SessionPolicy

// ErrNoSession is returned for a SessionKey that is not that of an open session.
var ErrNoSession = errors.New("pppoe: there is no such session")

// Update replaces the policy of a session while it is open, as after a change of authorization (RFC
// 5176, CoA). Packets flow meanwhile. The policy stays until the peer authenticates again. An
// unchanged rate keeps the state of its token bucket; timeouts are measured from when the session
// began. The error is ErrNoSession. It must not be called from Notify, because it waits for the
// session's loop.
func (s *Server) Update(session SessionKey, policy SessionPolicy) error {
	return s.callSession(session, func(l *serverLoop, now time.Time, of *sessionState) { l.updatePolicy(now, of, &policy) })
}

// callSession calls a function in the loop of an open session, and waits for it.
func (s *Server) callSession(key SessionKey, do func(*serverLoop, time.Time, *sessionState)) error {
	for _, l := range s.loops() {
		found := make(chan bool, 1)
		called := l.loop.tryCall(func(now time.Time) {
			of := l.loop.sessionByKey(key)
			if of != nil {
				do(l, now, of)
			}
			found <- of != nil
		})
		if called && <-found {
			return nil
		}
	}
	return ErrNoSession
}

// sessionByKey returns a session whose PPP has not ended; nil: it is not in this loop.
func (l *loop) sessionByKey(k SessionKey) *sessionState {
	s := l.sessions[l.frameKeyOf(k)]
	if s == nil || s.Key() != k || s.endReason != nil {
		return nil
	}
	return s
}

// frameKeyOf returns the key by which the frames of a session of this loop are found.
func (l *loop) frameKeyOf(k SessionKey) datapath.Key {
	return datapath.Key{VLAN: k.vlan, Local: l.ports.Session.Addr(), Peer: k.Peer, SessionID: k.SessionID}
}

// setPolicy sets a session's policy, which applyPolicy applies to its packets.
func (l *serverLoop) setPolicy(now time.Time, s *sessionState, p *SessionPolicy) {
	l.claimFramedRoutes(now, s, s.policy.FramedRoutes, p.FramedRoutes)
	s.policy = p
	s.limits.SessionLimits = &l.server.current.Load().Limits
	if p.Limits != nil {
		s.limits.SessionLimits = p.Limits
	}
	s.needsCounters = s.adaptiveEcho || s.limits.needsCounters()
}

// updatePolicy replaces the policy of an open session.
func (l *serverLoop) updatePolicy(now time.Time, s *sessionState, p *SessionPolicy) {
	s.authPolicy = p
	if !s.desired.device {
		return // beginNetworkPhase applies it
	}
	l.setPolicy(now, s, p)
	if s.configured.ipv4 || s.configured.ipv6 {
		l.loop.applyPolicy(s, s.configuredAddressing())
	}
	l.loop.reconcile(s)
	l.loop.setTimer(now, s)
}

// applyPolicy applies a session's policy to the data path, before packets flow, and removes what an
// earlier policy has set.
func (l *loop) applyPolicy(s *sessionState, a Addressing) {
	mss := l.mss
	if s.policy.MSS != 0 {
		mss = s.policy.MSS
	}
	s.path.SetMSS(datapath.NewMSSLimit(a.MTU, mss))
	if l.shared != nil {
		s.path.SetMTU(a.MTU)
	} else if s.policy.CheckSource {
		l.sourceFilters.set(s, a)
	} else if l.sourceFilters.clear(s.Generation) {
		s.path.SetSourceFilter(nil)
	}
	limited := s.policy.Up.Bits > 0 || s.policy.Down.Bits > 0
	if limited || s.rateLimited {
		s.path.SetRates(s.policy.Up, s.policy.Down)
	}
	s.rateLimited = limited
}
