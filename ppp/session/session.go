package session

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Reasons why Receive drops a frame, in event Dropped.
var (
	ErrPhase   = errors.New("session: protocol not allowed in this phase")
	ErrNotOpen = errors.New("session: network packet before its protocol has opened")
	ErrNoRole  = errors.New("session: authentication packet of a method that was not negotiated")
)

// Config configures sessions. Many may share one, which must not change while they exist.
type Config struct {
	// LCP configures the link, and with it the authentication methods of both sides. Its
	// Limits.RoundTrip is also the default for the network protocols.
	LCP lcp.Config
	// Credentials authenticate us to the peer, by the methods of LCP.AllowAuth. Rand,
	// Timers and Key are ignored.
	Credentials ppp.Credentials
	// PeerAuthFirst delays our own authentication until a peer that must authenticate itself
	// has done so; we then use the secrets of its AuthResult. It is for servers, which have
	// one name in many sessions (see ppp.MarkChallenge).
	PeerAuthFirst bool
	// ChallengeKey marks challenges as ours, in all sessions that have the same key
	// (ppp.MarkChallenge). It is secret. Empty: challenges are recognized on their own link
	// only.
	ChallengeKey []byte
	// Name is our name as the authenticator, for LCP.RequireAuth.
	Name string
	// AuthTimers bound authentication in both directions.
	AuthTimers ppp.AuthTimers
	// IPv4 and IPv6 configure the network protocols; nil: the peer's packets get a
	// Protocol-Reject.
	IPv4 *ipcp.Config
	IPv6 *ipv6cp.Config
	// SetupTimeout bounds the time to the network phase, each time; zero: no bound. Each
	// protocol's own wait is bounded, but begins again with every Configure-Request:
	// without this bound a peer could keep a session without authenticating itself.
	SetupTimeout time.Duration
	// Rand is the source of random numbers, also of LCP and IPv6 if it is set; nil:
	// crypto/rand. It must not fail.
	Rand io.Reader
}

// Peer is what is known of a session's peer before PPP. A zero field stands for that of the
// Config.
type Peer struct {
	MaxMRU      int           // LCP.MaxMRU, as discovery has agreed
	RoundTrip   time.Duration // LCP.Limits.RoundTrip, as discovery has measured
	Address     netip.Addr    // IPv4.Remote
	InterfaceID ipv6cp.ID     // IPv6.Remote
}

// Session is one PPP session. After it has emitted Closed it ignores all calls and
// produces no output.
type Session struct {
	cfg    *Config // shared
	link   lcp.Link
	v4     ipcp.Negotiator   // of the layer of IPCP, if there is one
	v6     ipv6cp.Negotiator // of the layer of IPv6CP, if there is one
	auth   authentication
	reason *Reason // nil: none
	phase  Phase
	closed bool // Closed has been emitted

	roundTrip time.Duration // of Peer

	earlyTerminate bool       // the peer has sent a Terminate-Request before the link was up
	layerCount     uint8      // of networks
	ups            uint8      // times that a protocol came up, see countUp
	upsSince       int64      // begin of the period in which they are counted, in seconds
	setupDeadline  *time.Time // when the network phase must have begun; nil: it has, or there is no bound
	networks       [2]layer   // see layers
}

// New returns a session in PhaseDead.
func New(cfg *Config, peer Peer) *Session {
	s := new(Session)
	s.Init(cfg, peer)
	return s
}

// Init makes a session that is part of another struct one in PhaseDead, as New does. It must not be
// copied afterwards.
func (s *Session) Init(cfg *Config, peer Peer) {
	link, v6 := cfg.protocols()
	*s = Session{cfg: cfg, roundTrip: peer.RoundTrip}
	s.link.Init(link, lcp.Peer{MaxMRU: peer.MaxMRU, RoundTrip: peer.RoundTrip})
	if cfg.IPv4 != nil {
		s.v4.Init(cfg.IPv4)
		s.v4.SetDefault(peer.Address)
		s.addLayer(&s.v4, &cfg.IPv4.Limits)
	}
	if v6 != nil {
		s.v6.Init(v6)
		s.v6.Assign(peer.InterfaceID)
		s.addLayer(&s.v6, &v6.Limits)
	}
}

// protocols returns the configurations of LCP and IPv6CP: with cfg.Rand, if it is set.
func (cfg *Config) protocols() (*lcp.Config, *ipv6cp.Config) {
	if cfg.Rand == nil {
		return &cfg.LCP, cfg.IPv6
	}
	link := cfg.LCP
	link.Rand = cfg.Rand
	if cfg.IPv6 == nil {
		return &link, nil
	}
	v6 := *cfg.IPv6
	v6.Rand = cfg.Rand
	return &link, &v6
}

// Phase returns the current phase.
func (s *Session) Phase() Phase { return s.phase }

// Up begins the session: the layer below is up.
func (s *Session) Up(now time.Time, out *Output) {
	if s.closed {
		return
	}
	s.link.Open(now, &out.Frames)
	s.updatePhase(now, out)
}

// Down ends the session at once: the layer below is down, and nothing more can be sent.
// Like Close, it may be called before Up.
func (s *Session) Down(now time.Time, r Reason, out *Output) {
	if s.closed {
		return
	}
	if s.phase == PhaseAuthenticate && s.auth.awaitingPeer() && r.Cause == CauseHangUp {
		// Neither accepted nor rejected (RFC 1994 section 4.2): a concentrator that has just started hangs up
		// on the sessions of its predecessor, and some reject a password in no other way.
		r.Text = "peer hung up during authentication"
	}
	s.setReason(s.orUnsupportedMethod(r, out), out)
	s.link.Down(now)
	s.updatePhase(now, out)
	s.end(out)
}

// Close ends the session with a Terminate-Request, which carries the reason's text.
func (s *Session) Close(now time.Time, r Reason, out *Output) {
	if s.closed {
		return
	}
	s.closeLink(now, r, out)
	s.updatePhase(now, out)
	if s.phase == PhaseDead {
		s.end(out)
	}
}

// end emits Closed, once.
func (s *Session) end(out *Output) {
	if !s.closed {
		s.closed = true
		out.emit(Closed{Reason: *s.reason})
	}
}

// SetAuthResult sets the result of the last AuthRequest. It is ignored if no
// AuthRequest is pending.
func (s *Session) SetAuthResult(now time.Time, result ppp.AuthResult, out *Output) {
	if s.closed || s.auth.authenticator == nil {
		return
	}
	step := s.auth.authenticator.SetResult(now, result, &out.Frames)
	if step.Outcome == ppp.Succeeded {
		s.assign(result)
	}
	s.handleAuthenticatorStep(now, step, out)
	if step.Outcome == ppp.Succeeded && s.link.OwnMethod() != nil && s.auth.peer == nil {
		s.startPeerRoleLast(now, result.Secret, result.CleartextSecret, out)
	}
	s.updatePhase(now, out)
}

// assign sets the peer's address, name servers and interface identifier: those of the result, or else
// those known before PPP. Nothing from before a renegotiation of the link persists.
func (s *Session) assign(result ppp.AuthResult) {
	if s.cfg.IPv4 != nil {
		s.v4.Assign(result.Address)
		s.v4.SetChoice(result.Alternates, result.AllowAddress)
		s.v4.SetNameServers(result.NameServers)
	}
	if s.cfg.IPv6 != nil {
		s.v6.AssignUser(result.InterfaceID)
	}
}

// MTU returns the longest packet in either direction that the link carries, in octets, as negotiated.
func (s *Session) MTU() int { return min(s.link.MRU(), s.link.PeerMRU()) }

// Deadline returns the time at which Advance must be called; zero: never.
func (s *Session) Deadline() time.Time {
	if s.closed {
		return time.Time{}
	}
	first := ppp.Earliest(s.link.Deadline(), s.auth.deadline())
	if s.setupDeadline != nil {
		first = ppp.Earliest(first, *s.setupDeadline)
	}
	for i := range s.layers() {
		first = ppp.Earliest(first, s.layers()[i].automaton.Deadline())
	}
	return first
}

// Advance handles the timers that have expired at now.
func (s *Session) Advance(now time.Time, out *Output) {
	if s.closed {
		return
	}
	s.link.Advance(now, &out.Frames)
	s.advanceAuth(now, out)
	if s.setupDeadline != nil && !now.Before(*s.setupDeadline) {
		s.setupTimedOut(now, out)
	}
	for i := range s.layers() {
		s.layers()[i].automaton.Advance(now, &out.Frames)
	}
	s.updatePhase(now, out)
}

// CheckPeer sends an Echo-Request at once: if the peer does not answer, the session ends in
// a few seconds.
func (s *Session) CheckPeer(now time.Time, out *Output) {
	if s.closed {
		return
	}
	s.link.CheckPeer(now, &out.Frames)
}

// NoteTraffic reports to the session that the peer has sent data packets. Adaptive echo
// then sends no Echo-Request (lcp.Echo.Adaptive).
func (s *Session) NoteTraffic() { s.link.NoteTraffic() }

// RoundTrip returns the round-trip time of the last LCP echo: see lcp.Link.RoundTrip.
func (s *Session) RoundTrip() time.Duration { return s.link.RoundTrip() }

// Unanswered returns the number of Echo-Requests since the peer's last answer: see lcp.Link.Unanswered.
func (s *Session) Unanswered() int { return s.link.Unanswered() }

// orUnsupportedMethod returns r; or, if LCP has failed or the peer has hung up during it
// and the peer had required an authentication method that we do not offer, this reason.
func (s *Session) orUnsupportedMethod(r Reason, out *Output) Reason {
	requested := s.link.UnsupportedAuth()
	if s.reason != nil || r.Cause != CauseHangUp && r.Cause != CauseNotNegotiated || len(requested) == 0 {
		return r
	}
	out.emit(UnsupportedAuthMethod{Requested: requested, Allowed: s.cfg.LCP.AllowAuth})
	return Reason{CauseNotAuthenticated, "peer requires an authentication method that we do not offer"}
}

// setReason keeps the first reason for the end, and emits it.
func (s *Session) setReason(r Reason, out *Output) {
	if s.reason == nil {
		s.reason = &r
		out.emit(Ending{Reason: r})
	}
}

// closeLink begins to close the link. The network protocols go down before the
// Terminate-Request is sent: tld comes before str in RFC 1661 section 4.1.
func (s *Session) closeLink(now time.Time, r Reason, out *Output) {
	s.setReason(r, out)
	if s.phase == PhaseNetwork {
		s.lowerLayers(now, out)
	}
	s.link.Close(now, r.Text, &out.Frames)
}

// Receive handles a control frame, which begins with its Protocol field. A frame that
// must be silently discarded has no effect except the event Dropped. The owner carries
// packets of IPv4 and IPv6 itself, from IPv4Up and IPv6Up on; if it passes them to
// Receive, they are dropped.
func (s *Session) Receive(now time.Time, frame []byte, out *Output) {
	if s.closed {
		return
	}
	p, information, err := ppp.ParseFrame(frame)
	if err == nil {
		err = s.dispatch(now, p, information, frame, out)
	}
	if err != nil {
		out.emit(Dropped{Protocol: p, Err: err})
	}
	s.updatePhase(now, out)
}

// dispatch passes a packet to its protocol. RFC 1661 sections 3.4 and 3.5: until
// authentication is complete, packets of other protocols are dropped.
func (s *Session) dispatch(now time.Time, p ppp.Protocol, information, frame []byte, out *Output) error {
	switch {
	case p == ppp.LCP:
		return s.receiveLCP(now, information, out)
	case s.phase != PhaseNetwork && s.phase != PhaseAuthenticate:
		return ErrPhase
	case p == ppp.PAP || p == ppp.CHAP || p == ppp.EAP:
		return s.receiveAuth(now, p, information, out)
	case s.phase == PhaseAuthenticate && s.layer(p) != nil:
		s.assumeSuccess(now, out)
	}
	switch {
	case s.phase != PhaseNetwork:
		return ErrPhase
	case p == ppp.IPv4 || p == ppp.IPv6:
		return ErrNotOpen
	}
	if l := s.layer(p); l != nil {
		c, err := ppp.ParseControl(information)
		if err != nil {
			return err
		}
		_, err = l.automaton.Receive(now, c, &out.Frames)
		return err
	}
	s.link.RejectProtocol(frame, &out.Frames)
	return nil
}

func (s *Session) receiveLCP(now time.Time, information []byte, out *Output) error {
	c, err := ppp.ParseControl(information)
	if err != nil {
		return err
	}
	before := out.position()
	_, err = s.link.Receive(now, c, &out.Frames)
	switch {
	case c.Code != ppp.TerminateRequest:
	case s.link.State() == ppp.Stopping && s.phase != PhaseTerminate:
		s.peerClosed(string(c.Data), out)
	case s.phase == PhaseEstablish && !s.earlyTerminate:
		// The negotiation continues (RFC 1661 section 4.1), but if the peer hangs up, this
		// may be the only text that explains it.
		s.earlyTerminate = true
		out.emit(PeerClosed{Text: string(c.Data)})
	}
	if s.phase == PhaseNetwork && s.link.State() != ppp.Opened {
		s.lowerLayers(now, out)
	}
	out.moveEventsBefore(before)
	if p := s.link.TakeRejectedProtocol(); p != 0 {
		s.handleProtocolReject(now, p, out)
	}
	return err
}

// peerClosed handles the peer's Terminate-Request, with its text. While our credentials are
// not yet accepted, it rejects them.
func (s *Session) peerClosed(text string, out *Output) {
	out.emit(PeerClosed{Text: text})
	cause := CausePeerTerminated
	if s.phase == PhaseAuthenticate && s.auth.awaitingPeer() {
		cause = CauseNotAuthenticated
	}
	s.setReason(Reason{cause, text}, out)
}

// handleProtocolReject handles the peer's Protocol-Reject of a network protocol.
func (s *Session) handleProtocolReject(now time.Time, p ppp.Protocol, out *Output) {
	if l := s.layer(p); l != nil {
		l.automaton.RejectedByPeer(now, &out.Frames)
	}
}

func (s *Session) layer(p ppp.Protocol) *layer {
	for i := range s.layers() {
		if s.layers()[i].automaton.Protocol() == p {
			return &s.layers()[i]
		}
	}
	return nil
}
