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

// authenticator is the authenticator's side of an exchange.
type authenticator struct {
	exchange
	name      string
	key       []byte
	rand      io.Reader
	challenge []byte
}

var (
	_ ppp.Authenticator = (*authenticator)(nil)
	_ ppp.Challenger    = (*authenticator)(nil)
)

func newAuthenticator(cfg ppp.AuthenticatorConfig) *authenticator {
	return &authenticator{name: cfg.Name, key: cfg.Key, rand: cfg.Rand, exchange: exchange{timers: cfg.Timers.WithDefaults(0)}}
}

// IsOutstanding implements ppp.Challenger.
func (a *authenticator) IsOutstanding(challenge []byte) bool {
	return bytes.Equal(challenge, a.challenge)
}

// Start implements ppp.AuthExchange. It requests the peer's identity, with a random
// Identifier.
func (a *authenticator) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	a.request.ID = random.Fill(a.rand, id[:])[0]
	a.requestType(now, Identity, nil, q)
}

// requestType sends a new Request, with a new Identifier (RFC 3748 section 4.1).
func (a *authenticator) requestType(now time.Time, t Type, data []byte, q *ppp.Queue) {
	a.newRequest(now, Packet{Code: Request, ID: a.request.ID + 1, Type: t, Data: data}.Control(), q)
}

func (a *authenticator) sendChallenge(now time.Time, q *ppp.Queue) {
	a.phase = challenging
	a.challenge = chap.NewChallenge(a.rand, a.key)
	a.requestType(now, MD5Challenge, chap.AppendValue(nil, a.challenge, a.name), q)
}

// Advance implements ppp.AuthExchange. A further challenge in an open link needs no
// Request for the identity, which is known (RFC 3748 section 2).
func (a *authenticator) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	switch {
	case !a.isDue(now):
		return ppp.Step{}
	case a.phase == authenticated:
		a.sent = 0
		a.sendChallenge(now, q)
		return ppp.Step{}
	}
	return a.retransmit(now, q)
}

// Receive implements ppp.AuthExchange.
func (a *authenticator) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	p, answered, err := a.response(c, q)
	switch {
	case err != nil || answered:
		return ppp.Step{}, err
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
	return a.end(now, a.outcome(false), reason, q)
}

// SetResult implements ppp.Authenticator. EAP does not carry the result's message.
func (a *authenticator) SetResult(now time.Time, result ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if a.phase != authenticating {
		return ppp.Step{}
	}
	return a.end(now, a.outcome(result.Accepted), result.LogReason(), q)
}
