package lcp

import (
	"encoding/binary"
	"errors"
	"io"
	"time"

	"upppoe/ppp"
)

// Config is what we want of a link. Zero fields stand for the defaults.
type Config struct {
	// MRU is what we ask to receive at most; default 1492. Nothing is asked
	// when it is 1500, the protocol's own default.
	MRU int
	// MaxMRU bounds what is agreed in either direction: 1492, or more by RFC
	// 4638; default 1492.
	MaxMRU int
	// NoMagic leaves the Magic-Number out, and with it loop detection.
	NoMagic bool
	// RequireAuth lists the methods by which the peer may prove who it is, best
	// first. Empty: it need not.
	RequireAuth []ppp.Method
	// AllowAuth lists the methods by which we are ready to prove who we are,
	// best first. Empty: we refuse.
	AllowAuth []ppp.Method
	// Echo asks the peer for signs of life.
	Echo Echo
	// CheckPath finds out, soon after the link has opened, whether packets of the size agreed
	// on come through (RFC 4638 section 5.2): see TakePathLimit.
	CheckPath bool
	// Limits are the automaton's.
	Limits ppp.Limits
	// Rand is where magic numbers come from; nil: crypto/rand. It must not fail.
	Rand io.Reader
}

// Echo is how often the peer must show that it lives.
type Echo struct {
	// Interval between Echo-Requests; zero: none are sent.
	Interval time.Duration
	// Failures is how many may go unanswered, one after the other, before
	// the link is taken for dead; zero: any number.
	Failures int
	// Adaptive leaves a request out if the peer has sent anything since the one
	// before (pppd's lcp-echo-adaptive).
	Adaptive bool
}

// Link is LCP on one link: the automaton with LCP's options, and the codes that
// LCP alone has. Whoever owns it reads how it stands after each call.
type Link struct {
	machine *ppp.Automaton
	options *options
	echo    keepalive
	path    pathCheck

	rejected ppp.Protocol // by the peer's last Protocol-Reject; 0: none
	farewell []byte       // of the peer's Terminate-Request
	reject   []byte       // scratch
}

// New makes a link in state Initial.
func New(cfg *Config) *Link {
	o := newOptions(cfg)
	return &Link{
		options: o,
		machine: ppp.NewAutomaton(o, cfg.Limits),
		echo:    keepalive{Echo: cfg.Echo},
		path:    pathCheck{enabled: cfg.CheckPath},
	}
}

// State is the automaton's.
func (l *Link) State() ppp.State { return l.machine.State() }

// Open reports that the link is wanted and the layer below is there.
func (l *Link) Open(now time.Time, q *ppp.Queue) ppp.Signal {
	s := l.machine.Open(now, q)
	return s | l.machine.Up(now, q)
}

// Down reports that the layer below is gone.
func (l *Link) Down(now time.Time) ppp.Signal {
	return l.follow(now, l.machine.Down(now), nil)
}

// Close ends the link; the reason is told to the peer.
func (l *Link) Close(now time.Time, reason string, q *ppp.Queue) ppp.Signal {
	return l.follow(now, l.machine.Close(now, reason, q), q)
}

// Deadline is when Advance wants to be called; zero: never.
func (l *Link) Deadline() time.Time {
	return ppp.Earliest(l.machine.Deadline(), l.echo.deadline, l.path.deadline)
}

// Advance does what is due at now.
func (l *Link) Advance(now time.Time, q *ppp.Queue) ppp.Signal {
	l.echo.advance(now, l, q)
	l.path.advance(now, l, q)
	return l.follow(now, l.machine.Advance(now, q), q)
}

// follow keeps what depends on the automaton's state in step with it.
func (l *Link) follow(now time.Time, s ppp.Signal, q *ppp.Queue) ppp.Signal {
	if s.Has(ppp.LayerUp) {
		l.machine.SetPeerMRU(l.options.peerMRU)
		l.echo.start(now, l, q)
		l.path.start(now, min(l.PeerMRU(), l.MRU()))
	}
	if s.Has(ppp.LayerDown) {
		l.echo.stop()
		l.path.stop()
	}
	return s
}

// PeerMRU is the longest information field that we may send: what the peer can
// receive, bounded by MaxMRU.
func (l *Link) PeerMRU() int { return l.options.peerMRU }

// MRU is the longest information field that we said we receive.
func (l *Link) MRU() int { return l.options.ourMRU() }

// PeerMethod is the method by which the peer has agreed to prove who it is, or nil.
func (l *Link) PeerMethod() ppp.Method { return l.options.demands }

// OwnMethod is the method by which we have agreed to prove who we are, or nil.
func (l *Link) OwnMethod() ppp.Method { return l.options.answers }

// AuthRefused says that the peer will not prove who it is by any method we accept.
func (l *Link) AuthRefused() bool { return l.options.refused }

// UnsupportedAuth is the value of the Authentication-Protocol option that the peer last asked for and we
// did not take, as long as it has asked for nothing that we took; empty: there is none. It is
// valid until the next call, and untrusted.
func (l *Link) UnsupportedAuth() []byte { return l.options.wanted }

// Looped says that we are talking to ourselves (RFC 1661 section 6.4).
func (l *Link) Looped() bool { return l.options.loops >= l.options.maxLoops }

// Dead says that Echo.Failures Echo-Requests have gone unanswered.
func (l *Link) Dead() bool { return l.echo.dead }

// TerminateReason is what the peer's last Terminate-Request said: octets of a
// stranger, escape it before printing.
func (l *Link) TerminateReason() []byte { return l.farewell }

// TakeRejectedProtocol returns once each protocol that the peer has refused by a
// Protocol-Reject (RFC 1661 section 5.7); 0: none.
func (l *Link) TakeRejectedProtocol() ppp.Protocol {
	p := l.rejected
	l.rejected = 0
	return p
}

// Reasons for which Receive drops a packet.
var (
	ErrNotOpened = errors.New("lcp: packet of a code that counts only when the link is open")
	ErrMagic     = errors.New("lcp: packet too short for its Magic-Number")
	ErrEcho      = errors.New("lcp: Echo-Reply to no open Echo-Request")
	ErrOwnMagic  = errors.New("lcp: packet bears our own Magic-Number")
)

// Receive takes an LCP packet. An error says that it was dropped, and why.
func (l *Link) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Signal, error) {
	switch c.Code {
	case ppp.ProtocolReject:
		return l.receiveProtocolReject(now, c, q)
	case ppp.EchoRequest:
		return 0, l.receiveEchoRequest(c, q)
	case ppp.EchoReply:
		return 0, l.receiveEchoReply(now, c)
	case ppp.DiscardRequest, ppp.Identification, ppp.TimeRemaining:
		return 0, nil // RFC 1661 section 5.9, RFC 1570 section 2: nothing to answer
	case ppp.TerminateRequest:
		l.farewell = append(l.farewell[:0], c.Data...)
	case ppp.CodeReject:
		l.echo.handleCodeReject(c)
	}
	s, err := l.machine.Receive(now, c, q)
	return l.follow(now, s, q), err
}

// receiveProtocolReject notes what the peer does not speak. LCP itself cannot
// be done without.
func (l *Link) receiveProtocolReject(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Signal, error) {
	if l.machine.State() != ppp.Opened {
		return 0, ErrNotOpened
	}
	if len(c.Data) < 2 {
		return 0, ppp.ErrShortFrame
	}
	p := ppp.Protocol(binary.BigEndian.Uint16(c.Data))
	if p == ppp.LCP {
		return l.follow(now, l.machine.RejectedByPeer(now, q), q), nil
	}
	l.rejected = p
	return 0, nil
}

// RejectProtocol answers a frame of a protocol that we do not speak. RFC 1661
// section 5.7: only in Opened; cut to the peer's MRU; a new Identifier each time.
func (l *Link) RejectProtocol(frame []byte, q *ppp.Queue) {
	if l.machine.State() != ppp.Opened {
		return
	}
	room := max(l.options.peerMRU-ppp.ControlHeaderLen, 0)
	l.reject = append(l.reject[:0], frame[:min(len(frame), room)]...)
	q.Add(ppp.LCP, ppp.Control{Code: ppp.ProtocolReject, ID: l.machine.NextID(), Data: l.reject})
}
