package ppp

import (
	"errors"
	"io"
	"net/netip"
	"time"
)

// Method is one way to prove who one is: PAP, CHAP with MD5, MS-CHAPv2, EAP.
// Methods are stateless values; an Exchange is one run of one.
type Method interface {
	// Name is the word that pppd's log uses: "PAP", "CHAP", "EAP".
	Name() string
	// Option is the value of LCP's Authentication-Protocol option (RFC 1661
	// section 6.2): a protocol number and what that protocol adds to it.
	Option() []byte
	// NewAuthenticator begins an exchange in which the peer must prove who it is.
	NewAuthenticator(AuthenticatorConfig) Authenticator
	// NewPeer begins an exchange in which we prove who we are.
	NewPeer(Credentials) AuthExchange
}

// Credentials is who we are, told to a peer that asks.
type Credentials struct {
	Name string
	// Secret finds the secret we share with a peer of that name; peer is
	// empty where the protocol does not tell it (PAP). It must be set.
	Secret func(peer string) ([]byte, bool)
	// CleartextSecret finds the secret that may go out as it is, by PAP; nil: Secret does.
	CleartextSecret func() ([]byte, bool)
	// Authenticator is the exchange in which that peer has to prove who it is, on the
	// same link; nil: it need not.
	Authenticator Authenticator
	// Key is what marks our challenges: see Examiner.Key.
	Key []byte
	// Rand is where challenges of ours come from (MS-CHAPv2's Peer-Challenge); nil: crypto/rand.
	// It must not fail.
	Rand   io.Reader
	Timers AuthTimers
}

// Reflected reports whether a challenge is one of ours, on this link or on any other, which the
// peer wants us to answer for it: see Mark.
func (c Credentials) Reflected(challenge []byte) bool {
	d, ok := c.Authenticator.(Challenger)
	return ok && d.IsOutstanding(challenge) || IsMarkedChallenge(c.Key, challenge)
}

// AuthenticatorConfig is how we ask a peer who it is.
type AuthenticatorConfig struct {
	Name string // ours, told to the peer
	// Key marks our challenges, so that all sessions that have it know them as ours; empty:
	// they are known on their own link only.
	Key []byte
	// Rand is where challenges and Identifiers come from; nil: crypto/rand. It must not fail.
	Rand   io.Reader
	Timers AuthTimers
}

// AuthTimers bound an exchange. A zero field stands for the default.
type AuthTimers struct {
	Restart     time.Duration // until a packet is sent again; default 3 s
	MaxTransmit int           // how often one is sent; default 10
	Timeout     time.Duration // for the whole, where nothing is ours to send again (PAP's examiner: default 30 s; a CHAP peer that is never challenged: default 60 s)
	Rechallenge time.Duration // between challenges of a peer already authenticated (CHAP); 0: never
}

// WithDefaults replaces what is left zero. The default of Timeout is the
// method's; below zero it stays, and means that nothing is bounded.
func (t AuthTimers) WithDefaults(timeout time.Duration) AuthTimers {
	if t.Restart <= 0 {
		t.Restart = 3 * time.Second
	}
	if t.MaxTransmit <= 0 {
		t.MaxTransmit = 10
	}
	if t.Timeout == 0 {
		t.Timeout = timeout
	}
	return t
}

// Reasons for which an Exchange drops a packet, besides ErrStale.
var (
	ErrRole        = errors.New("ppp: authentication packet that is not for this role")
	ErrAuthPending = errors.New("ppp: proof offered while one is being judged")
	ErrReflected   = errors.New("ppp: challenge is our own, sent back")
)

// AuthExchange is one run of an authentication method on one link.
type AuthExchange interface {
	// Protocol is the one whose packets belong to the exchange.
	Protocol() Protocol
	// Start is called once, when the link is open.
	Start(now time.Time, q *Queue)
	// Receive takes a packet of Protocol. An error says that the packet was
	// dropped, and why; it changes nothing else.
	Receive(now time.Time, c Control, q *Queue) (Step, error)
	// Advance does what is due at now.
	Advance(now time.Time, q *Queue) Step
	// Deadline is when Advance wants to be called; zero: never.
	Deadline() time.Time
}

// ImplicitSuccess is an Exchange in which we prove who we are, by a method whose verdict is
// sent only once: it may be lost.
type ImplicitSuccess interface {
	// AssumeSuccess reports that the peer acts as one that has accepted us. The Step is what the
	// verdict would have come to: nothing if we have not proved anything yet.
	AssumeSuccess() Step
}

// Authenticator is an Exchange in which we are the authenticator. When a Step is
// Asking, its owner has the Proof judged and brings the decision back.
type Authenticator interface {
	AuthExchange
	// SetResult answers the last Proof. A decision nobody asked for is ignored.
	SetResult(now time.Time, d AuthResult, q *Queue) Step
}

// Challenger is a Demand that asks by challenges.
type Challenger interface {
	// IsOutstanding reports whether the challenge is the one that the peer has to answer.
	IsOutstanding(challenge []byte) bool
}

// Step is where an exchange stands after a call. The zero value: nothing new.
type Step struct {
	Outcome  Outcome
	Name     string       // who was authenticated: the peer's name, or ours
	Message  string       // the peer's words on success or failure: not yet fit for a terminal
	Response AuthResponse // with Asking
}

// Outcome says what an exchange came to.
type Outcome uint8

// Outcomes of a Step.
const (
	Pending        Outcome = iota // nothing new
	AwaitingResult                // Proof waits for a decision
	Succeeded                     // also after each further challenge
	Failed                        // the link must be closed (RFC 1661 section 3.5)
)

// AuthResponse is what a peer offered to show who it is. Its concrete type belongs to
// the method, for authorities that pass it on (RADIUS).
type AuthResponse interface {
	// User is the name the peer gave, as it came: escape it before printing.
	User() string
	// Verify compares with a secret, in constant time. The message is what
	// success must tell the peer (MS-CHAPv2's authenticator response), or
	// empty.
	Verify(secret []byte) (message string, ok bool)
}

// AuthResult is what an authority says of a Proof.
type AuthResult struct {
	Accepted bool
	// Message goes to the peer; empty stands for the method's default.
	Message string
	// Reason is why it is not granted, for our own log. The peer must not be told: whether a
	// name is known is worth knowing.
	Reason string
	// Secret and Clear are what we prove ourselves by to this peer, if it demands that: by a
	// challenge, and by PAP, in which it goes out as it is. Empty: we cannot.
	Secret, CleartextSecret []byte
	// Address, if valid, is the IPv4 address the peer is to have; 0.0.0.0: the one that it
	// names. What the zero value means is the owner's to say (a pool's next).
	Address netip.Addr
	// Alternates are addresses that the peer may name instead of Address.
	Alternates []netip.Addr
	// AllowAddress says which other IPv4 address the peer may have if it names one itself, and
	// is not to have a certain one; nil: any.
	AllowAddress func(netip.Addr) bool
}

// LogReason is why a proof was refused, for a log: Reason, or else what the peer is told.
func (d AuthResult) LogReason() string {
	if d.Reason != "" {
		return d.Reason
	}
	return d.Message
}
