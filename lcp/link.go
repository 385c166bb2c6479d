package lcp

import (
	"encoding/binary"
	"errors"
	"io"
	"time"

	"upppoe/ppp"
)

// Reasons why Receive drops a packet, in addition to those of ppp.Automaton.
var (
	ErrNotOpened = errors.New("lcp: packet allowed only in state Opened")
	ErrMagic     = errors.New("lcp: packet too short for its Magic-Number")
	ErrEcho      = errors.New("lcp: Echo-Reply to no outstanding Echo-Request")
	ErrOwnMagic  = errors.New("lcp: packet has our own Magic-Number")
)

// Config configures a link. A zero field stands for the default.
type Config struct {
	// MRU is the Maximum-Receive-Unit that we request, in octets; default 1492. The option is
	// omitted if it is 1500, the default of the protocol.
	MRU int
	// MaxMRU bounds the MRU in both directions: 1492, or more as negotiated (RFC 4638);
	// default 1492.
	MaxMRU int
	// NoMagic disables the Magic-Number, and with it loop detection.
	NoMagic bool
	// RequireAuth lists the methods by which the peer may authenticate itself, the preferred
	// one first. Empty: the peer need not authenticate.
	RequireAuth []ppp.Method
	// AllowAuth lists the methods by which we authenticate ourselves, the preferred one first.
	// Empty: we refuse to.
	AllowAuth []ppp.Method
	// Echo configures the detection of a dead peer.
	Echo Echo
	// CheckPath checks, soon after the link has opened, whether packets of the negotiated size
	// arrive (RFC 4638 section 5.2): see TakePathLimit.
	CheckPath bool
	// Limits configures the automaton.
	Limits ppp.NegotiationLimits
	// Rand is the source of Magic-Numbers; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Echo configures Echo-Requests, which detect a dead peer.
type Echo struct {
	// Interval between Echo-Requests; zero: none are sent.
	Interval time.Duration
	// Failures is the number of successive Echo-Requests without an answer after which the
	// peer is dead; zero: it never is.
	Failures int
	// Adaptive omits a request if the peer has sent data packets since the last one (pppd's
	// lcp-echo-adaptive): see NoteTraffic.
	Adaptive bool
}

// Peer is what is known of a link's peer before LCP, from discovery. A zero field stands for
// that of the Config, which many links share.
type Peer struct {
	MaxMRU    int           // Config.MaxMRU
	RoundTrip time.Duration // Config.Limits.RoundTrip
}

// Link is LCP on one link: the automaton with LCP's options, and the codes that only LCP
// has. Its owner reads its state after each call.
type Link struct {
	automaton  ppp.Automaton
	negotiator negotiator
	echo       keepalive
	path       *pathCheck   // nil: disabled
	roundTrip  roundTrip    // of the last echo; 0: none
	rejected   ppp.Protocol // by the peer's last Protocol-Reject; 0: none
}

// New returns a link in state Initial. Many links may share a Config, which must not change.
func New(cfg *Config, peer Peer) *Link {
	l := new(Link)
	l.Init(cfg, peer)
	return l
}

// Init makes a link that is part of another struct one in state Initial, as New does. It must not be
// copied afterwards.
func (l *Link) Init(cfg *Config, peer Peer) {
	*l = Link{}
	l.negotiator.init(cfg, peer.MaxMRU)
	l.automaton.Init(&l.negotiator, &cfg.Limits)
	l.automaton.SetRoundTrip(peer.RoundTrip)
	if cfg.CheckPath {
		l.path = &pathCheck{}
	}
}

// State returns the automaton's state.
func (l *Link) State() ppp.State { return l.automaton.State() }

// Open triggers the events Open and Up of the automaton: the link is allowed to open, and the
// layer below is ready.
func (l *Link) Open(now time.Time, q *ppp.Queue) ppp.Signal {
	s := l.automaton.Open(now, q)
	return s | l.automaton.Up(now, q)
}

// Down is the event Down: the layer below is no longer ready.
func (l *Link) Down(now time.Time) ppp.Signal {
	return l.follow(now, l.automaton.Down(now), nil)
}

// Close is the event Close: it terminates the link. The reason is the Data of the
// Terminate-Request.
func (l *Link) Close(now time.Time, reason string, q *ppp.Queue) ppp.Signal {
	return l.follow(now, l.automaton.Close(now, reason, q), q)
}

// Deadline returns the time at which Advance must be called; zero: never.
func (l *Link) Deadline() time.Time {
	return ppp.Earliest(l.automaton.Deadline(), l.echo.deadline, l.path.nextDeadline())
}

// Advance handles the timers that have expired at now.
func (l *Link) Advance(now time.Time, q *ppp.Queue) ppp.Signal {
	l.echo.advance(now, l, q)
	l.path.advance(now, l, q)
	return l.follow(now, l.automaton.Advance(now, q), q)
}

// follow starts and stops echo and path check when the automaton opens and leaves Opened.
func (l *Link) follow(now time.Time, s ppp.Signal, q *ppp.Queue) ppp.Signal {
	if s.Has(ppp.LayerUp) {
		l.automaton.SetPeerMRU(l.PeerMRU())
		l.echo.start(now, l, q)
		l.path.start(now, min(l.PeerMRU(), l.MRU()))
	}
	if s.Has(ppp.LayerDown) {
		l.echo.stop()
		l.path.stop()
	}
	return s
}

// PeerMRU returns the longest information field that we may send, in octets: the peer's
// MRU, bounded by MaxMRU.
func (l *Link) PeerMRU() int { return int(l.negotiator.peerMRU) }

// MRU returns the longest information field that the peer may send, in octets.
func (l *Link) MRU() int { return int(l.negotiator.requestMRU) }

// PeerMethod returns the method by which the peer authenticates itself, or nil.
func (l *Link) PeerMethod() ppp.Method {
	return l.negotiator.peerMethod.of(l.negotiator.cfg.RequireAuth)
}

// OwnMethod returns the method by which we authenticate ourselves, or nil.
func (l *Link) OwnMethod() ppp.Method { return l.negotiator.ownMethod.of(l.negotiator.cfg.AllowAuth) }

// AuthRefused reports whether the peer refuses to authenticate itself by any method of
// RequireAuth.
func (l *Link) AuthRefused() bool { return l.negotiator.authRefused }

// UnsupportedAuth returns the value of the Authentication-Protocol option that the peer
// last requested and we refused, until it requests one that we accept; empty: none. It is
// untrusted.
func (l *Link) UnsupportedAuth() []byte { return []byte(l.negotiator.unsupportedAuth) }

// Looped reports whether the link is looped back (RFC 1661 section 6.4).
func (l *Link) Looped() bool { return l.negotiator.looped() }

// Dead reports whether the peer has not answered Echo.Failures Echo-Requests, or those of CheckPeer.
func (l *Link) Dead() bool { return l.echo.dead }

// TakeRejectedProtocol returns, once, the protocol of the peer's last Protocol-Reject (RFC
// 1661 section 5.7); 0: none.
func (l *Link) TakeRejectedProtocol() ppp.Protocol {
	p := l.rejected
	l.rejected = 0
	return p
}

// Receive handles an LCP packet. An error reports that it was dropped, and why.
func (l *Link) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Signal, error) {
	switch c.Code {
	case ppp.ProtocolReject:
		return l.receiveProtocolReject(now, c, q)
	case ppp.EchoRequest:
		return 0, l.receiveEchoRequest(c, q)
	case ppp.EchoReply:
		return 0, l.receiveEchoReply(now, c)
	case ppp.DiscardRequest, ppp.Identification, ppp.TimeRemaining:
		return 0, nil // RFC 1661 section 5.9, RFC 1570 section 2: no answer
	case ppp.CodeReject:
		l.echo.handleCodeReject(c)
	}
	s, err := l.automaton.Receive(now, c, q)
	return l.follow(now, s, q), err
}

// receiveProtocolReject records the rejected protocol. If it is LCP, the link is closed.
func (l *Link) receiveProtocolReject(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Signal, error) {
	if l.automaton.State() != ppp.Opened {
		return 0, ErrNotOpened
	}
	if len(c.Data) < 2 {
		return 0, ppp.ErrShortFrame
	}
	p := ppp.Protocol(binary.BigEndian.Uint16(c.Data))
	if p == ppp.LCP {
		return l.follow(now, l.automaton.RejectedByPeer(now, q), q), nil
	}
	l.rejected = p
	return 0, nil
}

// RejectProtocol sends a Protocol-Reject of a frame, which begins with its Protocol field.
// RFC 1661 section 5.7: only in Opened, truncated to the peer's MRU, with a new Identifier
// each time.
func (l *Link) RejectProtocol(frame []byte, q *ppp.Queue) {
	if l.automaton.State() != ppp.Opened {
		return
	}
	room := max(l.PeerMRU()-ppp.ControlHeaderLen, 0)
	q.Add(ppp.LCP, ppp.Control{Code: ppp.ProtocolReject, ID: l.automaton.NextID(), Data: frame[:min(len(frame), room)]})
}
