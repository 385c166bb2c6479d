package pppoe

import (
	"cmp"
	"errors"
	"net/netip"
	"time"

	"upppoe/ppp/ipv6cp"
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
	// MTU bounds the packets in both directions, in octets, if it is less than what LCP has negotiated
	// (RFC 2865 section 5.12, Framed-MTU); zero: no bound. A change applies when the network phase
	// begins.
	MTU int
	// DNS are the name servers assigned by IPCP (RFC 1877), IPv6DNS those advertised to the peer. If
	// none is set, those of the server are. They apply when the network phase begins.
	DNS     [2]netip.Addr
	IPv6DNS []netip.Addr
	// InterfaceID is the peer's IPv6 interface identifier; zero: ServerConfig's choice.
	InterfaceID ipv6cp.ID
	// AddressPool, IPv6Pool and DelegatedPool name the pools of the peer's IPv4 address, of its
	// network or IPv6 address, and of its delegated prefix; empty: the server's default.
	AddressPool, IPv6Pool, DelegatedPool string
	// IPv6Prefix is the peer's network, a /64 for SLAAC; IPv6Address and DelegatedPrefix are what
	// DHCPv6 assigns to it. Those that are not set are of a pool.
	IPv6Prefix, DelegatedPrefix netip.Prefix
	IPv6Address                 netip.Addr
	// MaxSessions is how many sessions the user may have at a time (RFC 2865 section 5.42, Port-Limit); 0:
	// one, unless ServerConfig.Duplicates allows more. A session that is one too many replaces the oldest
	// with ReplaceDuplicate, and is refused otherwise. Account is the name by which the user's sessions are
	// counted; empty: that which the peer has sent.
	MaxSessions int
	Account     string
	// InterimInterval is the time between the interim records of accounting; zero: accounting's
	// own; negative: none.
	InterimInterval time.Duration
	// Class is what the AAA server wants in the records of accounting (RFC 2865 section 5.25).
	Class [][]byte
	// FilterID names the filter of the user, for records and logs (RFC 2865 section 5.11).
	FilterID string
	// VRF is the name of an existing VRF device that the session's device is enslaved to before it has
	// addresses, so that all routes of the session are in its table; empty: that of the HostNetwork, which
	// has to be a VRFNetwork otherwise. Sessions of a shared device cannot have one. Addresses are unique
	// per server, whatever the VRF; FramedRoutes are unique per VRF. It takes effect when the network
	// phase begins: Update cannot change it.
	VRF string
}

// noPolicy is the policy of a session before it has one.
var noPolicy SessionPolicy

// ErrNoSession is returned for a SessionKey that is not that of an open session.
var ErrNoSession = errors.New("pppoe: there is no such session")

// Update replaces the policy of a session while it is open, as after a change of authorization (RFC
// 5176, CoA). Packets flow meanwhile. The policy stays until the peer authenticates again. An
// unchanged rate keeps the state of its token bucket; timeouts are measured from when the session
// began. The error is ErrNoSession, ErrVRFChange or ErrFramedRouteInUse, wrapped, and then nothing is
// changed. It must not be called from Notify, because it waits for the session's loop.
func (s *Server) Update(session SessionKey, policy SessionPolicy) error {
	return s.ChangePolicy(session, func(p *SessionPolicy) { *p = policy })
}

// ChangePolicy is Update with a changed copy of the session's policy, which no other change can come
// between. Slices of the copy are shared: they may be replaced, but not changed.
func (s *Server) ChangePolicy(session SessionKey, change func(*SessionPolicy)) error {
	var refused error
	missing := s.callSession(session, func(l *serverLoop, now time.Time, of *sessionState) {
		changed := *of.policy
		if !of.desired.device && of.authPolicy != nil {
			changed = *of.authPolicy
		}
		change(&changed)
		refused = l.updatePolicy(now, of, &changed)
	})
	return cmp.Or(missing, refused)
}

// setPolicy sets a session's policy, which applyPolicy applies to its packets.
func (l *serverLoop) setPolicy(now time.Time, s *sessionState, p *SessionPolicy) {
	l.claimFramedRoutes(now, s, s.policy, p)
	s.policy = p
	s.limits.SessionLimits = &l.server.current.Load().Limits
	if p.Limits != nil {
		s.limits.SessionLimits = p.Limits
	}
	s.needsCounters = s.adaptiveEcho || s.limits.needsCounters()
	s.setMTU()
}

// setMTU sets the MTU: that of the link, or of the policy if it is less. It does not change while
// packets flow.
func (s *sessionState) setMTU() {
	if s.configured.ipv4 || s.configured.ipv6 {
		return
	}
	s.desired.MTU = uint16(s.ppp.MTU())
	if limit := s.policy.MTU; limit > 0 {
		s.desired.MTU = min(s.desired.MTU, uint16(min(limit, maxMTU)))
	}
}

// maxMTU is the largest that PPP can negotiate.
const maxMTU = 0xffff

// updatePolicy replaces the policy of an open session.
func (l *serverLoop) updatePolicy(now time.Time, s *sessionState, p *SessionPolicy) error {
	if s.desired.device && p.VRF != s.policy.VRF {
		return ErrVRFChange
	}
	if err := l.server.checkFramedRoutes(s, p); err != nil {
		return err
	}
	s.authPolicy = p
	if !s.desired.device {
		return nil // beginNetworkPhase applies it
	}
	l.setPolicy(now, s, p)
	if s.configured.ipv4 || s.configured.ipv6 {
		l.loop.applyPolicy(s, s.configuredAddressing())
	}
	l.loop.reconcile(s)
	l.loop.setTimer(now, s)
	l.loop.emit(now, s, PolicyChanged{Policy: p})
	return nil
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
