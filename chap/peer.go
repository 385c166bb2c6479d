package chap

import (
	"bytes"
	"fmt"
	"time"

	"upppoe/ppp"
)

// peer is the peer's side of an exchange.
type peer struct {
	scheme      scheme
	credentials ppp.Credentials
	timers      ppp.AuthTimers

	failed    bool
	challenge ppp.Control // the last Challenge answered
	response  ppp.Control // the Response to it; Code 0: none yet
	awaiting  bool        // the Response has had no Success or Failure yet
	expected  string      // what a Success must contain
	sent      int         // transmissions of the Response by the Restart timer
	resendAt  time.Time
	timeoutAt time.Time
}

var _ ppp.AuthExchange = (*peer)(nil)

// defaultTimeout bounds the wait for a Challenge and for Success or Failure, as
// pppd's chap-timeout does.
const defaultTimeout = 60 * time.Second

func newPeer(s scheme, c ppp.Credentials) *peer {
	return &peer{scheme: s, credentials: c, timers: c.Timers.WithDefaults(defaultTimeout)}
}

// Protocol implements ppp.AuthExchange.
func (p *peer) Protocol() ppp.Protocol { return ppp.CHAP }

// Deadline implements ppp.AuthExchange.
func (p *peer) Deadline() time.Time { return ppp.Earliest(p.resendAt, p.timeoutAt) }

// Start implements ppp.AuthExchange. The authenticator sends the first packet.
func (p *peer) Start(now time.Time, _ *ppp.Queue) {
	if p.timers.Timeout > 0 {
		p.timeoutAt = now.Add(p.timers.Timeout)
	}
}

// Advance implements ppp.AuthExchange.
func (p *peer) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	switch {
	case due(p.timeoutAt, now) && p.awaiting:
		return p.fail("no CHAP Success or Failure from the server")
	case due(p.timeoutAt, now):
		return p.fail("no CHAP Challenge from the server")
	case due(p.resendAt, now) && p.sent < p.timers.MaxTransmit:
		p.sendResponse(now, q)
	case due(p.resendAt, now):
		p.resendAt = time.Time{}
	}
	return ppp.Step{}
}

func due(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// sendResponse sends the Response, or sends it again. If the Success was lost, only
// a repeated Response makes the authenticator repeat it (RFC 1994 section 4.1).
func (p *peer) sendResponse(now time.Time, q *ppp.Queue) {
	p.sent++
	p.resendAt = now.Add(p.timers.Restart)
	q.Add(ppp.CHAP, p.response)
}

// Receive implements ppp.AuthExchange.
func (p *peer) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch c.Code {
	case Challenge:
		return p.receiveChallenge(now, c, q)
	case Success, Failure:
		return p.receiveResult(c)
	}
	return ppp.Step{}, ppp.ErrRole
}

func (p *peer) receiveChallenge(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	value, server, err := ParseValue(c.Data)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case p.failed:
		return ppp.Step{}, ppp.ErrStale
	case p.credentials.Reflected(value):
		return ppp.Step{}, ppp.ErrReflected
	case p.response.Code != 0 && c.ID == p.challenge.ID && bytes.Equal(c.Data, p.challenge.Data):
		q.Add(ppp.CHAP, p.response)
		return ppp.Step{}, nil
	}
	secret, ok := p.credentials.Secret(string(server))
	if !ok || len(secret) == 0 {
		return p.fail(fmt.Sprintf("No CHAP secret found for authenticating us to %q", server)), nil
	}
	return ppp.Step{}, p.respond(now, c, value, secret, q)
}

func (p *peer) respond(now time.Time, c ppp.Control, challenge, secret []byte, q *ppp.Queue) error {
	value, expected, err := p.scheme.respond(c.ID, challenge, secret, responder{p.credentials.Name, p.credentials.Rand})
	if err != nil {
		return err
	}
	p.challenge = ppp.Control{Code: c.Code, ID: c.ID, Data: bytes.Clone(c.Data)}
	p.response = ppp.Control{Code: Response, ID: c.ID, Data: AppendValue(nil, value, p.credentials.Name)}
	p.awaiting, p.expected = true, expected
	p.sent = 0
	p.sendResponse(now, q)
	return nil
}

// receiveResult handles a Success or Failure: only one for the last Response, and
// only once.
func (p *peer) receiveResult(c ppp.Control) (ppp.Step, error) {
	if !p.awaiting || c.ID != p.challenge.ID {
		return ppp.Step{}, ppp.ErrStale
	}
	if c.Code == Failure {
		return p.fail(p.scheme.failureText(c.Data)), nil
	}
	text, ok := p.scheme.checkSuccess(c.Data, p.expected)
	if !ok {
		return p.fail("server failed to prove it knows the password"), nil
	}
	p.awaiting = false
	p.resendAt, p.timeoutAt = time.Time{}, time.Time{}
	return ppp.Step{Outcome: ppp.Succeeded, Name: p.credentials.Name, Message: text}, nil
}

func (p *peer) fail(reason string) ppp.Step {
	p.failed, p.awaiting = true, false
	p.resendAt, p.timeoutAt = time.Time{}, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Name: p.credentials.Name, Message: reason}
}
