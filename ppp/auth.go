package ppp

import (
	"errors"
	"io"
	"net/netip"
	"time"
)

// Reasons why an AuthExchange drops a packet, in addition to ErrStale.
var (
	ErrRole        = errors.New("ppp: authentication packet for the other role")
	ErrAuthPending = errors.New("ppp: authentication is pending")
	ErrReflected   = errors.New("ppp: challenge is our own, reflected")
)

// Method is an authentication method: PAP, CHAP with MD5, MS-CHAPv2, EAP. Methods are
// stateless; an AuthExchange is one run of a method.
type Method interface {
	// Name returns the name in pppd's log: "PAP", "CHAP", "EAP".
	Name() string
	// Option returns the value of LCP's Authentication-Protocol option (RFC 1661 section
	// 6.2): a protocol number, and the data that the protocol defines.
	Option() []byte
	// NewAuthenticator returns an exchange in which we authenticate the peer.
	NewAuthenticator(AuthenticatorConfig) Authenticator
	// NewPeer returns an exchange in which we are the peer and authenticate ourselves.
	NewPeer(Credentials) AuthExchange
}

// AuthExchange is one run of an authentication method on one link.
type AuthExchange interface {
	// Protocol returns the protocol of the exchange's packets.
	Protocol() Protocol
	// Start is called once, when LCP has opened.
	Start(now time.Time, q *Queue)
	// Receive handles a packet of Protocol. An error reports that the packet was dropped,
	// and why; a dropped packet has no other effect.
	Receive(now time.Time, c Control, q *Queue) (Step, error)
	// Advance handles the timers that have expired at now.
	Advance(now time.Time, q *Queue) Step
	// Deadline returns the time at which Advance must be called; zero: never.
	Deadline() time.Time
}

// Authenticator is an AuthExchange in which we are the authenticator. When a Step is
// AwaitingResult, its owner verifies the Response and calls SetResult.
type Authenticator interface {
	AuthExchange
	// SetResult sets the result for the last Response. A result that was not requested is
	// ignored.
	SetResult(now time.Time, result AuthResult, q *Queue) Step
}

// ResumableAuthenticator is implemented by an Authenticator whose exchange can continue in another
// program, which was started meanwhile.
type ResumableAuthenticator interface {
	Authenticator
	// AppendState appends the state of an exchange that has succeeded, encoded; false: it has not, or
	// has failed since. No secret is part of the state. A further challenge that has had no response
	// yet is not either: another one is due at once in the other program.
	AppendState(b []byte, now time.Time) ([]byte, bool)
	// Resume is called in place of Start, with what AppendState has encoded, maybe in another version:
	// the peer is authenticated. The time to the next challenge continues. After an error the exchange
	// cannot be used.
	Resume(state []byte, now time.Time) error
}

// Step is the result of a call to an exchange. The zero value: no change.
type Step struct {
	Outcome  Outcome
	Name     string       // of the side authenticated: the peer's or ours
	Message  string       // the peer's message on success or failure: untrusted, escape it before printing
	Response AuthResponse // with AwaitingResult
}

// Outcome is the outcome of a Step.
type Outcome uint8

// Outcomes.
const (
	Pending        Outcome = iota // no change
	AwaitingResult                // Response must be verified: see Authenticator
	Succeeded                     // for the first and each further challenge
	Failed                        // the link must be closed (RFC 1661 section 3.5)
)

// AuthResponse is what a peer has sent to authenticate itself. Its concrete type depends
// on the method, so that AAA can pass it on, for example to RADIUS: chap.MD5Response (CHAP
// and EAP with MD5), chap.MSv2Response (MS-CHAPv2), pap.Credential (PAP) or eap.Relayed (EAP whose
// methods a server has).
type AuthResponse interface {
	// User returns the name that the peer sent. It is untrusted: escape it before printing.
	User() string
	// Verify reports whether the response was made with the secret, in constant time. The
	// message is what a Success must contain (MS-CHAPv2's authenticator response), or empty.
	Verify(secret []byte) (message string, ok bool)
}

// AuthResult is the result of authenticating an AuthResponse.
type AuthResult struct {
	Accepted bool
	// Message is sent to the peer; empty: the method's default.
	Message string
	// Reason is why the response is not accepted, for our log. It is not sent to the peer,
	// which must not learn whether a name exists.
	Reason string
	// Secret and CleartextSecret authenticate us to this peer, if it requires it: Secret by
	// a challenge, CleartextSecret by PAP, which sends it in clear text. Empty: none.
	Secret, CleartextSecret []byte
	// Address is the IPv4 address assigned to the peer; 0.0.0.0: the one that it requests.
	// The owner defines the meaning of the zero value (the next of a pool).
	Address netip.Addr
	// Alternates are addresses that the peer may request instead of Address.
	Alternates []netip.Addr
	// AllowAddress reports whether the peer may have an address that it requests, where none
	// is assigned; nil: any.
	AllowAddress func(netip.Addr) bool
	// NameServers are the primary and secondary DNS servers assigned to the peer (RFC 1877); if
	// neither is valid, the owner's are.
	NameServers [2]netip.Addr
	// InterfaceID is the IPv6 interface identifier assigned to the peer (RFC 5072); zero: the
	// owner's choice.
	InterfaceID [8]byte
	// Relayed is the result of a response whose method a server has (EAP pass-through): the server's
	// packet for the peer, encoded. One that is a Request, with Accepted false, continues the exchange:
	// the peer's next response follows. Empty: the result has no packet of its own.
	Relayed []byte
	// State is what the server wants with the peer's next response (RFC 2865 section 5.24).
	State []byte
}

// LogReason returns why a response was not accepted, for our log: Reason, or else Message.
func (r AuthResult) LogReason() string {
	if r.Reason != "" {
		return r.Reason
	}
	return r.Message
}

// Credentials authenticate us to a peer that requires it.
type Credentials struct {
	Name string
	// Secret returns the secret shared with the peer of this name, and whether there is one.
	// The name is empty where the protocol does not carry it (PAP). It must be set.
	Secret func(peer string) ([]byte, bool)
	// CleartextSecret returns the secret that PAP sends in clear text; nil: Secret is used.
	CleartextSecret func() ([]byte, bool)
	// Authenticator is the exchange on the same link in which we authenticate the peer;
	// nil: none.
	Authenticator Authenticator
	// Key is the key that marks our challenges: see AuthenticatorConfig.Key.
	Key []byte
	// Rand is the source of our challenges (MS-CHAPv2's Peer-Challenge); nil: crypto/rand. It
	// must not fail.
	Rand   io.Reader
	Timers AuthTimers
}

// Reflected reports whether a challenge is one of ours, from this link or any other, which
// must not be answered: see MarkChallenge.
func (c Credentials) Reflected(challenge []byte) bool {
	d, ok := c.Authenticator.(Challenger)
	return ok && d.IsOutstanding(challenge) || IsMarkedChallenge(c.Key, challenge)
}

// AuthenticatorConfig configures an exchange in which we are the authenticator.
type AuthenticatorConfig struct {
	Name string // ours, sent to the peer
	// Key marks our challenges, so that all sessions with the key recognize them as ours
	// (MarkChallenge); empty: they are recognized on their own link only.
	Key []byte
	// Rand is the source of challenges and Identifiers; nil: crypto/rand. It must not fail.
	Rand   io.Reader
	Timers AuthTimers
}

// AuthTimers are the timers and counters of an exchange. A zero field stands for the
// default.
type AuthTimers struct {
	Restart     time.Duration // between retransmissions; default 3 s
	MaxTransmit int           // transmissions of one packet; default 10
	// Timeout bounds an exchange in which the other side sends the first packet: the
	// authenticator of PAP (default 30 s), the peer of CHAP and EAP (default 60 s). A
	// negative value: no bound.
	Timeout     time.Duration
	Rechallenge time.Duration // between challenges of an authenticated peer (CHAP, EAP); 0: never
}

// WithDefaults replaces zero fields by the defaults. The default of Timeout depends on the
// method.
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

// ImplicitSuccess is implemented by an AuthExchange in which we are the peer, by a method
// whose Success is not retransmitted and may be lost (EAP).
type ImplicitSuccess interface {
	// AssumeSuccess is called when the authenticator acts as if it has accepted us. It
	// returns the Step of a Success, or none if we have not answered a challenge.
	AssumeSuccess() Step
}

// Challenger is implemented by an Authenticator that sends challenges.
type Challenger interface {
	// IsOutstanding reports whether the challenge is the one that the peer must answer.
	IsOutstanding(challenge []byte) bool
}
