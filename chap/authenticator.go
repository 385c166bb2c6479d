package chap

import (
	"bytes"
	"io"
	"time"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// maxMessage bounds the Message field of a Success or Failure, in octets.
const maxMessage = 255

// phase is the state of an authenticator.
type phase uint8

const (
	challenging    phase = iota // a Challenge has had no Response yet
	authenticating              // a Response waits for the AuthResult
	authenticated               // the peer is authenticated
	failed                      // the peer is not authenticated, permanently
)

// authenticator is the authenticator's side of an exchange.
type authenticator struct {
	scheme scheme
	name   string
	key    []byte
	rand   io.Reader
	timers ppp.AuthTimers

	phase     phase
	id        uint8 // of the Challenge, its Response, and the Success or Failure
	challenge []byte
	sent      int // transmissions of the Challenge
	deadline  time.Time
	user      string      // the name in the last Response
	peerName  string      // the name by which the peer was authenticated
	open      bool        // the peer was authenticated before: the link may be open
	reply     ppp.Control // the Success or Failure for the Challenge; Code 0: none yet
}

var (
	_ ppp.Authenticator = (*authenticator)(nil)
	_ ppp.Challenger    = (*authenticator)(nil)
)

func newAuthenticator(s scheme, cfg ppp.AuthenticatorConfig) *authenticator {
	return &authenticator{scheme: s, name: cfg.Name, key: cfg.Key, rand: cfg.Rand, timers: cfg.Timers.WithDefaults(0)}
}

// Protocol implements ppp.AuthExchange.
func (a *authenticator) Protocol() ppp.Protocol { return ppp.CHAP }

// Deadline implements ppp.AuthExchange.
func (a *authenticator) Deadline() time.Time { return a.deadline }

// IsOutstanding implements ppp.Challenger.
func (a *authenticator) IsOutstanding(challenge []byte) bool {
	return bytes.Equal(challenge, a.challenge)
}

// Start implements ppp.AuthExchange. The first Identifier is random, so that it
// reveals nothing about other exchanges.
func (a *authenticator) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	a.id = random.Fill(a.rand, id[:])[0]
	a.newChallenge(now, q)
}

// newChallenge sends a new Challenge. RFC 1994 section 4.1: its Identifier and its
// value differ from those of earlier ones.
func (a *authenticator) newChallenge(now time.Time, q *ppp.Queue) {
	a.phase = challenging
	a.id++
	a.challenge = a.scheme.newChallenge(a.rand, a.key)
	a.reply = ppp.Control{}
	a.sent = 0
	a.sendChallenge(now, q)
}

// sendChallenge sends the Challenge, or sends it again. A repetition keeps Identifier
// and value, as pppd's does: otherwise a Response that takes longer than the Restart
// timer would never be accepted.
func (a *authenticator) sendChallenge(now time.Time, q *ppp.Queue) {
	a.sent++
	a.deadline = now.Add(a.timers.Restart)
	q.Add(ppp.CHAP, ppp.Control{Code: Challenge, ID: a.id, Data: AppendValue(nil, a.challenge, a.name)})
}

// Advance implements ppp.AuthExchange.
func (a *authenticator) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return ppp.Step{}
	}
	switch {
	case a.phase == authenticated:
		a.newChallenge(now, q)
	case a.sent < a.timers.MaxTransmit:
		a.sendChallenge(now, q)
	default:
		a.phase, a.deadline = failed, time.Time{}
		return ppp.Step{Outcome: ppp.Failed, Name: a.peerName, Message: "no CHAP Response from the peer"}
	}
	return ppp.Step{}
}

// Receive implements ppp.AuthExchange.
func (a *authenticator) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch {
	case c.Code != Response:
		return ppp.Step{}, ppp.ErrRole
	case c.ID != a.id || a.sent == 0:
		return ppp.Step{}, ppp.ErrStale
	case a.reply.Code != 0:
		// RFC 1994 section 4.1: a repeated Response gets the same reply whatever it
		// contains, so that secrets cannot be guessed one after the other.
		q.Add(ppp.CHAP, a.reply)
		return ppp.Step{}, nil
	case a.phase == authenticating:
		return ppp.Step{}, ppp.ErrAuthPending
	case a.phase == failed:
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
	a.user = string(name)
	response, ok := a.scheme.parseResponse(a.id, a.challenge, bytes.Clone(value), a.user)
	switch {
	case !ok:
		return a.reject(now, "CHAP Response has a wrong length", q), nil
	case a.open && a.user != a.peerName:
		return a.reject(now, "peer changed its name in an open link", q), nil
	}
	a.phase, a.deadline = authenticating, time.Time{}
	return ppp.Step{Outcome: ppp.AwaitingResult, Name: a.user, Response: response}, nil
}

func (a *authenticator) reject(now time.Time, reason string, q *ppp.Queue) ppp.Step {
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
	a.reply = ppp.Control{Code: Failure, ID: a.id}
	a.phase, a.deadline = failed, time.Time{}
	if result.Accepted {
		step = ppp.Step{Outcome: ppp.Succeeded, Name: a.user}
		a.reply.Code = Success
		a.phase, a.open, a.peerName = authenticated, true, a.user
		if a.timers.Rechallenge > 0 {
			a.deadline = now.Add(a.timers.Rechallenge)
		}
	}
	message := a.scheme.replyMessage(result, a.challenge)
	a.reply.Data = []byte(message[:min(len(message), maxMessage)])
	q.Add(ppp.CHAP, a.reply)
	return step
}
