package session

import (
	"math"
	"slices"
	"time"

	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Compact is a Session that takes half the memory while it is open and has nothing to wait for but the
// next Echo-Request or challenge, for an owner of tens of thousands. Its methods are those of Session.
//
// It is then parked: what a Session needs is kept, and a call makes a Session of it until it returns.
// The Output lends the memory.
type Compact struct {
	cfg     *Config
	running *Session // nil: it is parked
	parked  parked
}

// parked is what a Session needs in the network phase.
type parked struct {
	upsSince  int64            // as in Session
	exchange  ppp.AuthExchange // nil: nobody has authenticated itself
	link      lcp.Parked
	ipcp      ipcp.Parked
	ipv6cp    ipv6cp.Parked
	automaton [2]ppp.Parked // of the layers
	layers    [2]layerState

	isPeer            bool // in exchange we are the peer
	peerAuthenticated bool
	selfAuthenticated bool
	earlyTerminate    bool
	ups               uint8
	roundTrip         uint32 // as in Session, in microseconds
}

// park returns what unpark makes the same session of. It returns false if there is more to keep.
func (s *Session) park() (p parked, ok bool) {
	if s.phase != PhaseNetwork || s.closed || s.reason != nil ||
		s.auth.early != nil || s.auth.peer != nil && s.auth.authenticator != nil {
		return p, false
	}
	if p.link, ok = s.link.Park(); !ok {
		return p, false
	}
	for i := range s.layers() {
		if p.automaton[i], ok = s.layers()[i].automaton.Park(); !ok {
			return p, false
		}
	}
	p.keep(s)
	p.keepExchange(&s.auth)
	return p, true
}

// keep keeps all but the link, the automatons, and the exchange of the authentication.
func (p *parked) keep(s *Session) {
	for i := range s.layers() {
		p.layers[i] = s.layers()[i].layerState
	}
	p.ipcp, p.ipv6cp = s.v4.Park(), s.v6.Park()
	p.upsSince, p.ups, p.earlyTerminate = s.upsSince, s.ups, s.earlyTerminate
	p.roundTrip = uint32(min(max(s.roundTrip.Microseconds(), 0), math.MaxUint32))
	p.peerAuthenticated, p.selfAuthenticated = s.auth.peerAuthenticated, s.auth.selfAuthenticated
}

func (p *parked) keepExchange(a *authentication) {
	switch {
	case a.peer != nil:
		p.exchange, p.isPeer = a.peer, true
	case a.authenticator != nil:
		p.exchange = a.authenticator
	}
}

// unpark makes s the session that was parked.
func (s *Session) unpark(cfg *Config, p *parked) {
	*s = Session{
		cfg: cfg, phase: PhaseNetwork, roundTrip: time.Duration(p.roundTrip) * time.Microsecond,
		upsSince: p.upsSince, ups: p.ups, earlyTerminate: p.earlyTerminate,
	}
	link, v6 := cfg.protocols()
	s.link.Unpark(link, s.roundTrip, &p.link)
	if cfg.IPv4 != nil {
		s.v4.Unpark(cfg.IPv4, &p.ipcp)
		s.unparkLayer(p, s.addLayer(&s.v4, &cfg.IPv4.Limits))
	}
	if v6 != nil {
		s.v6.Unpark(v6, &p.ipv6cp)
		s.unparkLayer(p, s.addLayer(&s.v6, &v6.Limits))
	}
	s.auth.peerAuthenticated, s.auth.selfAuthenticated = p.peerAuthenticated, p.selfAuthenticated
	if p.isPeer {
		s.auth.peer = p.exchange
	} else if p.exchange != nil {
		s.auth.authenticator = p.exchange.(ppp.Authenticator)
	}
}

// unparkLayer continues the layer that was added last.
func (s *Session) unparkLayer(p *parked, l *layer) {
	i := s.layerCount - 1
	l.automaton.Unpark(p.automaton[i])
	l.automaton.SetPeerMRU(s.link.PeerMRU())
	l.layerState = p.layers[i]
}

// Init makes a session that is part of another struct one in PhaseDead, as New does.
func (c *Compact) Init(cfg *Config, peer Peer, out *Output) {
	*c = Compact{cfg: cfg, running: out.session()}
	c.running.Init(cfg, peer)
}

// unpark returns the session.
func (c *Compact) unpark(out *Output) *Session {
	if c.running == nil {
		c.running = out.session()
		c.running.unpark(c.cfg, &c.parked)
		c.parked = parked{}
	}
	return c.running
}

// park parks the session, if it may be.
func (c *Compact) park(out *Output) {
	if p, ok := c.running.park(); ok {
		*c.running = Session{}
		if len(out.spare) < maxSpare {
			out.spare = append(out.spare, c.running)
		}
		c.parked, c.running = p, nil
	}
}

// Phase is as in Session.
func (c *Compact) Phase() Phase {
	if c.running == nil {
		return PhaseNetwork
	}
	return c.running.Phase()
}

// IsNegotiating reports whether a network protocol is being opened or closed.
func (c *Compact) IsNegotiating() bool {
	return c.running != nil && slices.ContainsFunc(c.running.layers(), func(l layer) bool {
		switch l.automaton.State() {
		case ppp.Opened, ppp.Stopped, ppp.Closed, ppp.Initial, ppp.Starting:
			return false
		}
		return true
	})
}

// Agreements returns what the network protocols have agreed on; the zero value of one that is not open.
func (c *Compact) Agreements() (v4 ipcp.Agreement, v6 ipv6cp.Agreement) {
	s := c.running
	if s == nil {
		s = new(Session)
		s.unpark(c.cfg, &c.parked)
	}
	for i := range s.layers() {
		switch l := &s.layers()[i]; {
		case !l.up:
		case l.automaton.Protocol() == ppp.IPCP:
			v4 = s.v4.Agreement()
		default:
			v6 = s.v6.Agreement()
		}
	}
	return v4, v6
}

// Up is as in Session.
func (c *Compact) Up(now time.Time, out *Output) {
	c.unpark(out).Up(now, out)
	c.park(out)
}

// Down is as in Session.
func (c *Compact) Down(now time.Time, r Reason, out *Output) {
	c.unpark(out).Down(now, r, out)
	c.park(out)
}

// Close is as in Session.
func (c *Compact) Close(now time.Time, r Reason, out *Output) {
	c.unpark(out).Close(now, r, out)
	c.park(out)
}

// SetAuthResult is as in Session.
func (c *Compact) SetAuthResult(now time.Time, result ppp.AuthResult, out *Output) {
	c.unpark(out).SetAuthResult(now, result, out)
	c.park(out)
}

// MTU is as in Session.
func (c *Compact) MTU() int {
	if c.running == nil {
		return min(c.parked.link.MRU(), c.parked.link.PeerMRU())
	}
	return c.running.MTU()
}

// Deadline is as in Session.
func (c *Compact) Deadline() time.Time {
	switch {
	case c.running != nil:
		return c.running.Deadline()
	case c.parked.exchange != nil:
		return ppp.Earliest(c.parked.link.Deadline(), c.parked.exchange.Deadline())
	}
	return c.parked.link.Deadline()
}

// Advance is as in Session.
func (c *Compact) Advance(now time.Time, out *Output) {
	c.unpark(out).Advance(now, out)
	c.park(out)
}

// CheckPeer is as in Session.
func (c *Compact) CheckPeer(now time.Time, out *Output) {
	c.unpark(out).CheckPeer(now, out)
	c.park(out)
}

// Unanswered is as in Session.
func (c *Compact) Unanswered() int {
	if c.running == nil {
		return c.parked.link.Unanswered()
	}
	return c.running.Unanswered()
}

// NoteTraffic is as in Session.
func (c *Compact) NoteTraffic() {
	if c.running == nil {
		c.parked.link.NoteTraffic()
		return
	}
	c.running.NoteTraffic()
}

// RoundTrip is as in Session.
func (c *Compact) RoundTrip() time.Duration {
	if c.running == nil {
		return c.parked.link.RoundTrip()
	}
	return c.running.RoundTrip()
}

// Receive is as in Session.
func (c *Compact) Receive(now time.Time, frame []byte, out *Output) {
	c.unpark(out).Receive(now, frame, out)
	c.park(out)
}
