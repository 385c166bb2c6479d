package chap

import (
	"bytes"
	"time"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// maxMessage bounds the Message field of a Success or Failure, in octets.
const maxMessage = 255

// phase is the state of an authenticator.
type phase uint8

const (
	notStarted     phase = iota
	challenging          // a Challenge has had no Response yet
	authenticating       // a Response waits for the AuthResult
	authenticated        // the peer is authenticated
	failed               // the peer is not authenticated, permanently
)

// authenticator is the authenticator's side of an exchange.
type authenticator struct {
	challenge *challenge // nil: none has been sent, or none will follow
	user      string     // the name in the last Response; in an open link that of the peer
	message   string     // of the Success or Failure
	reply     ppp.Code   // to the Response: Success or Failure; 0: none yet
	algorithm Algorithm
	phase     phase
	id        uint8 // of the Challenge, its Response, and the Success or Failure
	open      bool  // the peer was authenticated before: the link may be open
}

// challenge is what an authenticator needs as long as it sends Challenges: thousands of
// sessions are authenticated once, and then open for hours.
type challenge struct {
	ppp.AuthenticatorConfig
	value    []byte
	sent     int // transmissions of the Challenge
	deadline time.Time
}

var (
	_ ppp.Authenticator = (*authenticator)(nil)
	_ ppp.Challenger    = (*authenticator)(nil)
)

func newAuthenticator(algorithm Algorithm, cfg ppp.AuthenticatorConfig) *authenticator {
	cfg.Timers = cfg.Timers.WithDefaults(0)
	return &authenticator{algorithm: algorithm, challenge: &challenge{AuthenticatorConfig: cfg}}
}

// Protocol implements ppp.AuthExchange.
func (a *authenticator) Protocol() ppp.Protocol { return ppp.CHAP }

// Deadline implements ppp.AuthExchange.
func (a *authenticator) Deadline() time.Time {
	if a.challenge == nil {
		return time.Time{}
	}
	return a.challenge.deadline
}

// IsOutstanding implements ppp.Challenger.
func (a *authenticator) IsOutstanding(value []byte) bool {
	return a.challenge != nil && bytes.Equal(value, a.challenge.value)
}

// Start implements ppp.AuthExchange. The first Identifier is random, so that it
// reveals nothing about other exchanges.
func (a *authenticator) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	a.id = random.Fill(a.challenge.Rand, id[:])[0]
	a.newChallenge(now, q)
}

// newChallenge sends a new Challenge. RFC 1994 section 4.1: its Identifier and its
// value differ from those of earlier ones.
func (a *authenticator) newChallenge(now time.Time, q *ppp.Queue) {
	a.phase, a.reply, a.message = challenging, 0, ""
	a.id++
	c := a.challenge
	c.value, c.sent = a.algorithm.scheme().newChallenge(c.Rand, c.Key), 0
	a.sendChallenge(now, q)
}

// sendChallenge sends the Challenge, or sends it again. A repetition keeps Identifier
// and value, as pppd's does: otherwise a Response that takes longer than the Restart
// timer would never be accepted.
func (a *authenticator) sendChallenge(now time.Time, q *ppp.Queue) {
	c := a.challenge
	c.sent++
	c.deadline = now.Add(c.Timers.Restart)
	q.Add(ppp.CHAP, ppp.Control{Code: Challenge, ID: a.id, Data: AppendValue(nil, c.value, c.Name)})
}

// Advance implements ppp.AuthExchange.
func (a *authenticator) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	if !due(a.Deadline(), now) {
		return ppp.Step{}
	}
	switch {
	case a.phase == authenticated:
		a.newChallenge(now, q)
	case a.challenge.sent < a.challenge.Timers.MaxTransmit:
		a.sendChallenge(now, q)
	default:
		a.phase, a.challenge = failed, nil
		return ppp.Step{Outcome: ppp.Failed, Name: a.user, Message: "no CHAP Response from the peer"}
	}
	return ppp.Step{}
}

// Receive implements ppp.AuthExchange.
func (a *authenticator) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch {
	case c.Code != Response:
		return ppp.Step{}, ppp.ErrRole
	case c.ID != a.id || a.phase == notStarted:
		return ppp.Step{}, ppp.ErrStale
	case a.reply != 0:
		// RFC 1994 section 4.1: a repeated Response gets the same reply whatever it
		// contains, so that secrets cannot be guessed one after the other.
		a.repeatReply(q)
		return ppp.Step{}, nil
	case a.phase == authenticating:
		return ppp.Step{}, ppp.ErrAuthPending
	case a.phase == failed, a.phase == authenticated: // resumed, and not challenged since
		return ppp.Step{}, ppp.ErrStale
	}
	return a.receiveResponse(now, c, q)
}

// receiveResponse returns the Response for authentication, or rejects at once one
// that cannot be valid: RFC 1994 section 4.1 requires a reply to every Response.
func (a *authenticator) receiveResponse(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	value, name, err := ParseValue(c.Data)
	if err != nil {
		return ppp.Step{}, err
	}
	user := string(name)
	response, ok := a.algorithm.scheme().parseResponse(a.id, a.challenge.value, bytes.Clone(value), user)
	switch {
	case !ok:
		return a.reject(now, user, "CHAP Response has a wrong length", q), nil
	case a.open && user != a.user:
		return a.reject(now, user, "peer changed its name in an open link", q), nil
	}
	a.user, a.phase, a.challenge.deadline = user, authenticating, time.Time{}
	return ppp.Step{Outcome: ppp.AwaitingResult, Name: user, Response: response}, nil
}

func (a *authenticator) reject(now time.Time, user, reason string, q *ppp.Queue) ppp.Step {
	a.user = user
	step := a.sendReply(now, ppp.AuthResult{}, q)
	step.Message = reason
	return step
}

// SetResult implements ppp.Authenticator.
func (a *authenticator) SetResult(now time.Time, result ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if a.phase != authenticating {
		return ppp.Step{}
	}
	return a.sendReply(now, result, q)
}

// sendReply sends the Success or Failure, and keeps it for repeated Responses.
func (a *authenticator) sendReply(now time.Time, result ppp.AuthResult, q *ppp.Queue) ppp.Step {
	step := ppp.Step{Outcome: ppp.Failed, Name: a.user, Message: result.LogReason()}
	message := a.algorithm.scheme().replyMessage(result, a.challenge.value)
	a.message = message[:min(len(message), maxMessage)]
	a.phase, a.reply, a.challenge.deadline = failed, Failure, time.Time{}
	if result.Accepted {
		step = ppp.Step{Outcome: ppp.Succeeded, Name: a.user}
		a.phase, a.reply, a.open = authenticated, Success, true
	}
	if again := a.challenge.Timers.Rechallenge; result.Accepted && again > 0 {
		a.challenge.deadline = now.Add(again)
	} else {
		a.challenge = nil
	}
	a.repeatReply(q)
	return step
}

func (a *authenticator) repeatReply(q *ppp.Queue) {
	q.Add(ppp.CHAP, ppp.Control{Code: a.reply, ID: a.id, Data: []byte(a.message)})
}
