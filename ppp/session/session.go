package session

import (
	"errors"
	"io"
	"time"

	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
)

// Config is what we want of a session. Sessions do not change it; many may
// share one.
type Config struct {
	// LCP is what we want of the link, and with it the methods by which each
	// side may prove who it is. Its Rand is not looked at. Its Limits.RoundTrip holds for
	// the network protocols too, where they have none of their own.
	LCP lcp.Config
	// Credentials are who we are, for LCP.Answer. Rand, Timers and Key are not
	// looked at.
	Credentials ppp.Credentials
	// PeerAuthFirst has us prove ourselves only once the peer has, if it must, and by the
	// Decision's secrets: a server's way, which has one name in many sessions (see ppp.MarkChallenge).
	PeerAuthFirst bool
	// ChallengeKey marks challenges as ours, in all sessions that have it; it is nobody
	// else's. Empty: they are known on their own link only.
	ChallengeKey []byte
	// Name is what we call ourselves when we demand proof, for LCP.Demand.
	Name string
	// AuthTimers bound authentication, both ways.
	AuthTimers ppp.AuthTimers
	// IPv4 and IPv6 are what we want of the network protocols; nil: the peer's
	// wish for it gets a Protocol-Reject. IPv6.Rand is not looked at.
	IPv4 *ipcp.Config
	IPv6 *ipv6cp.Config
	// SetupTimeout is how long both sides may take to the network phase, each time; zero: for
	// ever. What each protocol waits for is bounded, but begins anew with every
	// Configure-Request: a peer could have a session for ever without saying who it is.
	SetupTimeout time.Duration
	// Rand is where everything random comes from; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Phase is a phase of a link (RFC 1661 section 3.2).
type Phase uint8

// Phases.
const (
	Dead Phase = iota
	Establish
	Authenticate
	Network
	Terminate
)

// String is the phase's name in RFC 1661.
func (p Phase) String() string {
	return [...]string{"Dead", "Establish", "Authenticate", "Network", "Terminate"}[p]
}

// Session is one PPP session. Once it has told Closed it is over for good: whatever it is
// given then changes nothing, and nothing comes out of it.
type Session struct {
	cfg    *Config
	phase  Phase
	link   *lcp.Link
	auth   authentication
	layers []*layer
	v4     *ipcp.Negotiator
	v6     *ipv6cp.Negotiator
	reason Reason
	over   bool // Closed has been told

	admitBy   time.Time // when the network phase must have begun; zero: it has, or may take any time
	ups       int       // how often packets could flow anew
	upsSince  time.Time // in the minute that began then
	dismissed bool      // the peer has asked for an end before there was a link
}

// New makes a session in phase Dead.
func New(cfg *Config) *Session {
	c := *cfg
	c.LCP.Rand = cfg.Rand
	s := &Session{cfg: &c, link: lcp.New(&c.LCP)}
	if c.IPv4 != nil {
		s.v4 = ipcp.New(c.IPv4)
		s.addLayer(s.v4, c.IPv4.Limits)
	}
	if c.IPv6 != nil {
		v6 := *c.IPv6
		v6.Rand = cfg.Rand
		s.v6 = ipv6cp.New(&v6)
		s.addLayer(s.v6, v6.Limits)
	}
	return s
}

// Phase is the phase now.
func (s *Session) Phase() Phase { return s.phase }

// Up begins the session: the layer below can carry frames.
func (s *Session) Up(now time.Time, out *Output) {
	if s.over {
		return
	}
	s.link.Open(now, &out.Frames)
	s.settle(now, out)
}

// Down ends the session at once: the layer below is gone, and nothing more can
// be sent. Like Close, it may come before Up.
func (s *Session) Down(now time.Time, r Reason, out *Output) {
	if s.over {
		return
	}
	if s.phase == Authenticate && s.auth.answering() && r.Cause == HangUp {
		// Some concentrators refuse a password by hanging up.
		r = Reason{NotAuthenticated, "peer hung up instead of accepting our credentials"}
	}
	s.blame(s.orMethod(r, out), out)
	s.link.Down(now)
	s.settle(now, out)
	s.end(out)
}

// Close ends the session in good order: the peer is told the reason's text.
func (s *Session) Close(now time.Time, r Reason, out *Output) {
	if s.over {
		return
	}
	s.closeLink(now, r, out)
	s.settle(now, out)
	if s.phase == Dead {
		s.end(out)
	}
}

// end tells, once, that the session is over.
func (s *Session) end(out *Output) {
	if !s.over {
		s.over = true
		out.emit(Closed{Reason: s.reason})
	}
}

// SetAuthResult brings the decision on the last proof that Asked told.
func (s *Session) SetAuthResult(now time.Time, d ppp.AuthResult, out *Output) {
	if s.over || s.auth.demand == nil {
		return
	}
	step := s.auth.demand.SetResult(now, d, &out.Frames)
	if step.Outcome == ppp.Succeeded && s.v4 != nil {
		s.assign(d)
	}
	s.demanded(now, step, out)
	if step.Outcome == ppp.Succeeded {
		s.answerLast(now, d, out)
	}
	s.settle(now, out)
}

// assign sets the peer's address: the decision's, or else what we want of anybody. An
// address of who was the peer before the link was negotiated anew does not stay.
func (s *Session) assign(d ppp.AuthResult) {
	remote := d.Address
	if !remote.IsValid() {
		remote = s.cfg.IPv4.Remote
	}
	s.v4.Assign(remote)
	s.v4.SetAlternates(d.Alternates)
	s.v4.SetAddressFilter(d.AllowAddress)
}

// Deadline is when Advance wants to be called; zero: never.
func (s *Session) Deadline() time.Time {
	if s.over {
		return time.Time{}
	}
	first := ppp.Earliest(s.link.Deadline(), s.auth.deadline(), s.admitBy)
	for _, l := range s.layers {
		first = ppp.Earliest(first, l.machine.Deadline())
	}
	return first
}

// Advance does what is due at now.
func (s *Session) Advance(now time.Time, out *Output) {
	if s.over {
		return
	}
	s.link.Advance(now, &out.Frames)
	s.advanceAuth(now, out)
	if !s.admitBy.IsZero() && !now.Before(s.admitBy) {
		s.lateFor(now, out)
	}
	for _, l := range s.layers {
		l.machine.Advance(now, &out.Frames)
	}
	s.settle(now, out)
}

// Probe asks the peer at once whether it still is there: without an answer the
// session ends in a few seconds.
func (s *Session) Probe(now time.Time, out *Output) {
	if s.over {
		return
	}
	s.link.Probe(now, &out.Frames)
}

// NoteTraffic reports that packets of the peer have come that are not the session's to see: an
// adaptive echo takes them for a sign of life.
func (s *Session) NoteTraffic() { s.link.NoteTraffic() }

// orMethod is a reason for the end, or, where the peer has hung up on LCP or that has led to
// nothing, that it wants us to prove who we are by a method that we do not offer.
func (s *Session) orMethod(r Reason, out *Output) Reason {
	wanted := s.link.UnsupportedAuth()
	if s.reason.Cause != Unknown || r.Cause != HangUp && r.Cause != NotNegotiated || len(wanted) == 0 {
		return r
	}
	out.emit(UnsupportedAuthMethod{Requested: wanted, Allowed: s.cfg.LCP.AllowAuth})
	return Reason{NotAuthenticated, "peer insists on a method of authentication that we do not offer"}
}

// blame keeps the first reason for the end, and tells it.
func (s *Session) blame(r Reason, out *Output) {
	if s.reason.Cause == Unknown {
		s.reason = r
		out.emit(Ending{Reason: r})
	}
}

// closeLink begins to close the link. The network protocols go down before the
// Terminate-Request is sent: tld comes before str in RFC 1661 section 4.1.
func (s *Session) closeLink(now time.Time, r Reason, out *Output) {
	s.blame(r, out)
	if s.phase == Network {
		s.lowerLayers(now, out)
	}
	s.link.Close(now, r.Text, &out.Frames)
}

// Reasons for which Receive drops a frame.
var (
	ErrPhase   = errors.New("session: frame of a protocol that has no place in this phase")
	ErrNotOpen = errors.New("session: network packet before its protocol is open")
	ErrNoRole  = errors.New("session: authentication packet of a method not agreed on")
)

// Receive takes a control frame, which begins with its Protocol field. What must be
// silently discarded is told by a Dropped event and changes nothing. Packets of IPv4 and
// IPv6 are the owner's to carry, from IPv4Up and IPv6Up on; those that it hands over all
// the same, as it had before, are dropped.
func (s *Session) Receive(now time.Time, frame []byte, out *Output) {
	if s.over {
		return
	}
	p, information, err := ppp.ParseFrame(frame)
	if err == nil {
		err = s.dispatch(now, p, information, frame, out)
	}
	if err != nil {
		out.emit(Dropped{Protocol: p, Err: err})
	}
	s.settle(now, out)
}

// dispatch hands a packet to its protocol. RFC 1661 sections 3.4 and 3.5: before
// authentication is done, only LCP and authentication are heard.
func (s *Session) dispatch(now time.Time, p ppp.Protocol, information, frame []byte, out *Output) error {
	switch {
	case p == ppp.LCP:
		return s.receiveLCP(now, information, out)
	case s.phase != Network && s.phase != Authenticate:
		return ErrPhase
	case p == ppp.PAP || p == ppp.CHAP || p == ppp.EAP:
		return s.receiveAuth(now, p, information, out)
	case s.phase == Authenticate && s.layer(p) != nil:
		s.acceptedSilently(now, out)
	}
	switch {
	case s.phase != Network:
		return ErrPhase
	case p == ppp.IPv4 || p == ppp.IPv6:
		return ErrNotOpen
	}
	if l := s.layer(p); l != nil {
		c, err := ppp.ParseControl(information)
		if err != nil {
			return err
		}
		_, err = l.machine.Receive(now, c, &out.Frames)
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
	arisen := out.mark()
	_, err = s.link.Receive(now, c, &out.Frames)
	switch {
	case c.Code != ppp.TerminateRequest:
	case s.link.State() == ppp.Stopping && s.phase != Terminate:
		s.peerClosed(out)
	case s.phase == Establish && !s.dismissed:
		// It may still negotiate (RFC 1661 section 4.1), but this may be all that is said of
		// why it hangs up.
		s.dismissed = true
		out.emit(PeerClosed{Text: string(s.link.TerminateReason())})
	}
	if s.phase == Network && s.link.State() != ppp.Opened {
		s.lowerLayers(now, out)
	}
	out.precede(arisen)
	if p := s.link.TakeRejectedProtocol(); p != 0 {
		s.rejected(now, p, out)
	}
	return err
}

// peerClosed notes that the peer ends the link. While it weighs our credentials
// that is its answer to them.
func (s *Session) peerClosed(out *Output) {
	text := string(s.link.TerminateReason())
	out.emit(PeerClosed{Text: text})
	cause := PeerTerminated
	if s.phase == Authenticate && s.auth.answering() {
		cause = NotAuthenticated
	}
	s.blame(Reason{cause, text}, out)
}

// rejected heeds that the peer does not speak a protocol of ours.
func (s *Session) rejected(now time.Time, p ppp.Protocol, out *Output) {
	if l := s.layer(p); l != nil {
		l.machine.RejectedByPeer(now, &out.Frames)
	}
}

func (s *Session) layer(p ppp.Protocol) *layer {
	for _, l := range s.layers {
		if l.policy.Protocol() == p {
			return l
		}
	}
	return nil
}
