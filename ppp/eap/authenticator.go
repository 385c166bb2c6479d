package eap

import (
	"bytes"
	"crypto/md5"
	"io"
	"slices"
	"time"

	"upppoe/chap"
	"upppoe/internal/random"
	"upppoe/ppp"
)

// phase is the state of an authenticator.
type phase uint8

const (
	identifying    phase = iota // a Request for the identity has had no Response yet
	challenging                 // an MD5-Challenge has had no Response yet
	authenticating              // a Response waits for the AuthResult
	authenticated               // the peer is authenticated
	failed                      // the peer is not authenticated, permanently
)

// authenticator is the authenticator's side of an exchange.
type authenticator struct {
	name   string
	key    []byte
	rand   io.Reader
	timers ppp.AuthTimers

	phase     phase
	request   ppp.Control // the last Request; Code 0: not started
	challenge []byte
	sent      int // Requests without a Response that continues the exchange
	deadline  time.Time
	identity  string
	result    ppp.Control // the Success or Failure for the last Request; Code 0: none yet
}

var (
	_ ppp.Authenticator = (*authenticator)(nil)
	_ ppp.Challenger    = (*authenticator)(nil)
)

func newAuthenticator(cfg ppp.AuthenticatorConfig) *authenticator {
	return &authenticator{name: cfg.Name, key: cfg.Key, rand: cfg.Rand, timers: cfg.Timers.WithDefaults(0)}
}

// Protocol implements ppp.AuthExchange.
func (a *authenticator) Protocol() ppp.Protocol { return ppp.EAP }

// Deadline implements ppp.AuthExchange.
func (a *authenticator) Deadline() time.Time { return a.deadline }

// IsOutstanding implements ppp.Challenger.
func (a *authenticator) IsOutstanding(challenge []byte) bool {
	return bytes.Equal(challenge, a.challenge)
}

// Start implements ppp.AuthExchange. It requests the peer's identity, with a random
// Identifier.
func (a *authenticator) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	a.request.ID = random.Fill(a.rand, id[:])[0]
	a.newRequest(now, Identity, nil, q)
}

// newRequest sends a new Request, with a new Identifier (RFC 3748 section 4.1).
func (a *authenticator) newRequest(now time.Time, t Type, data []byte, q *ppp.Queue) {
	a.request = Packet{Code: Request, ID: a.request.ID + 1, Type: t, Data: data}.Control()
	a.result = ppp.Control{}
	a.sendRequest(now, q)
}

// sendRequest sends the Request, or sends it again with the same Identifier (RFC 3748
// section 4.1).
func (a *authenticator) sendRequest(now time.Time, q *ppp.Queue) {
	a.sent++
	a.deadline = now.Add(a.timers.Restart)
	q.Add(ppp.EAP, a.request)
}

func (a *authenticator) sendChallenge(now time.Time, q *ppp.Queue) {
	a.phase = challenging
	a.challenge = chap.NewChallenge(a.rand, a.key)
	a.newRequest(now, MD5Challenge, chap.AppendValue(nil, a.challenge, a.name), q)
}

// Advance implements ppp.AuthExchange. A further challenge in an open link needs no
// Request for the identity, which is known (RFC 3748 section 2).
func (a *authenticator) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return ppp.Step{}
	}
	switch {
	case a.phase == authenticated:
		a.sent = 0
		a.sendChallenge(now, q)
	case a.sent < a.timers.MaxTransmit:
		a.sendRequest(now, q)
	default:
		a.phase, a.deadline = failed, time.Time{}
		return ppp.Step{Outcome: ppp.Failed, Name: a.identity, Message: "no EAP Response from the peer"}
	}
	return ppp.Step{}
}

// Receive implements ppp.AuthExchange.
func (a *authenticator) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	p, err := ParsePacket(c)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case p.Code != Response:
		return ppp.Step{}, ppp.ErrRole
	case p.ID != a.request.ID || a.request.Code == 0:
		return ppp.Step{}, ppp.ErrStale
	case a.result.Code != 0:
		q.Add(ppp.EAP, a.result)
		return ppp.Step{}, nil
	case a.phase == authenticating:
		return ppp.Step{}, ppp.ErrAuthPending
	case a.phase == identifying && p.Type == Identity:
		a.identity, a.sent = string(p.Data), 0
		a.sendChallenge(now, q)
		return ppp.Step{}, nil
	case a.phase == challenging && p.Type == MD5Challenge:
		return a.receiveMD5(now, p, q)
	case a.phase == challenging && p.Type == Nak:
		return a.receiveNak(now, p, q), nil
	}
	return ppp.Step{}, ErrUnexpected
}

// receiveMD5 returns the Response for authentication, or rejects at once one that
// cannot be valid. The user is the identity; the name in the Response may be empty, and
// otherwise must equal it.
func (a *authenticator) receiveMD5(now time.Time, p Packet, q *ppp.Queue) (ppp.Step, error) {
	value, name, err := chap.ParseValue(p.Data)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case len(value) != md5.Size:
		return a.reject(now, "EAP Response has a wrong length", q), nil
	case len(name) > 0 && string(name) != a.identity:
		return a.reject(now, "name in the EAP Response is not the identity", q), nil
	}
	a.phase, a.deadline = authenticating, time.Time{}
	return ppp.Step{
		Outcome: ppp.AwaitingResult, Name: a.identity,
		Response: chap.MD5Response{ID: p.ID, Challenge: a.challenge, Response: bytes.Clone(value), Name: a.identity},
	}, nil
}

// receiveNak handles a Nak (RFC 3748 section 5.3.1). One that proposes MD5-Challenge gets
// another challenge, within the same MaxTransmit; other types are not implemented.
func (a *authenticator) receiveNak(now time.Time, p Packet, q *ppp.Queue) ppp.Step {
	if slices.Contains(p.Data, byte(MD5Challenge)) && a.sent < a.timers.MaxTransmit {
		a.sendChallenge(now, q)
		return ppp.Step{}
	}
	return a.reject(now, "peer wants another EAP method than MD5-Challenge", q)
}

func (a *authenticator) reject(now time.Time, reason string, q *ppp.Queue) ppp.Step {
	a.sendResult(now, false, q)
	return ppp.Step{Outcome: ppp.Failed, Name: a.identity, Message: reason}
}

// SetResult implements ppp.Authenticator. EAP does not carry the result's message.
func (a *authenticator) SetResult(now time.Time, result ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if a.phase != authenticating {
		return ppp.Step{}
	}
	a.sendResult(now, result.Accepted, q)
	if result.Accepted {
		return ppp.Step{Outcome: ppp.Succeeded, Name: a.identity}
	}
	return ppp.Step{Outcome: ppp.Failed, Name: a.identity, Message: result.LogReason()}
}

// sendResult sends Success or Failure with the Identifier of the Response (RFC 3748
// section 4.2), and keeps it for repeated Responses.
func (a *authenticator) sendResult(now time.Time, accepted bool, q *ppp.Queue) {
	a.result = ppp.Control{Code: Failure, ID: a.request.ID}
	a.phase, a.deadline = failed, time.Time{}
	if accepted {
		a.result.Code, a.phase = Success, authenticated
		if a.timers.Rechallenge > 0 {
			a.deadline = now.Add(a.timers.Rechallenge)
		}
	}
	q.Add(ppp.EAP, a.result)
}
