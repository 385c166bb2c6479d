package chap

import (
	"bytes"
	"fmt"
	"time"

	"upppoe/ppp"
)

// answer is the peer's side of an exchange.
type answer struct {
	scheme scheme
	who    ppp.Credentials
	timers ppp.AuthTimers

	ended   bool        // by failure
	asked   ppp.Control // the last Challenge answered
	reply   ppp.Control // the Response to it; Code 0: none yet
	waiting bool        // for the verdict on it
	expect  string      // what a Success must prove
	sent    int         // how often, by our own timer
	resend  time.Time
	timeout time.Time
}

var _ ppp.AuthExchange = (*answer)(nil)

// patience is how long to wait to be challenged and accepted: pppd's
// chap-timeout.
const patience = 60 * time.Second

func newAnswer(s scheme, c ppp.Credentials) *answer {
	return &answer{scheme: s, who: c, timers: c.Timers.WithDefaults(patience)}
}

// Protocol implements ppp.AuthExchange.
func (a *answer) Protocol() ppp.Protocol { return ppp.CHAP }

// Deadline implements ppp.AuthExchange.
func (a *answer) Deadline() time.Time { return ppp.Earliest(a.resend, a.timeout) }

// Start implements ppp.AuthExchange: the authenticator speaks first.
func (a *answer) Start(now time.Time, _ *ppp.Queue) {
	if a.timers.Timeout > 0 {
		a.timeout = now.Add(a.timers.Timeout)
	}
}

// Advance implements ppp.AuthExchange.
func (a *answer) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	switch {
	case due(a.timeout, now) && a.waiting:
		return a.fail("server does not say whether it accepts our response")
	case due(a.timeout, now):
		return a.fail("server does not challenge us")
	case due(a.resend, now) && a.sent < a.timers.MaxTransmit:
		a.send(now, q)
	case due(a.resend, now):
		a.resend = time.Time{}
	}
	return ppp.Step{}
}

func due(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// send sends the Response, once more perhaps: if the Success was lost, nothing
// but a repeated Response brings it again (RFC 1994 section 4.1).
func (a *answer) send(now time.Time, q *ppp.Queue) {
	a.sent++
	a.resend = now.Add(a.timers.Restart)
	q.Add(ppp.CHAP, a.reply)
}

// Receive implements ppp.AuthExchange.
func (a *answer) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch c.Code {
	case Challenge:
		return a.challenged(now, c, q)
	case Success, Failure:
		return a.judged(c)
	}
	return ppp.Step{}, ppp.ErrRole
}

func (a *answer) challenged(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	value, server, err := ParseValue(c.Data)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case a.ended:
		return ppp.Step{}, ppp.ErrStale
	case a.who.Reflected(value):
		return ppp.Step{}, ppp.ErrReflected
	case a.reply.Code != 0 && c.ID == a.asked.ID && bytes.Equal(c.Data, a.asked.Data):
		q.Add(ppp.CHAP, a.reply)
		return ppp.Step{}, nil
	}
	secret, ok := a.who.Secret(string(server))
	if !ok || len(secret) == 0 {
		return a.fail(fmt.Sprintf("No CHAP secret found for authenticating us to %q", server)), nil
	}
	return ppp.Step{}, a.respond(now, c, value, secret, q)
}

func (a *answer) respond(now time.Time, c ppp.Control, challenge, secret []byte, q *ppp.Queue) error {
	value, expect, err := a.scheme.respond(c.ID, challenge, secret, witness{a.who.Name, a.who.Rand})
	if err != nil {
		return err
	}
	a.asked = ppp.Control{Code: c.Code, ID: c.ID, Data: bytes.Clone(c.Data)}
	a.reply = ppp.Control{Code: Response, ID: c.ID, Data: AppendValue(nil, value, a.who.Name)}
	a.waiting, a.expect = true, expect
	a.sent = 0
	a.send(now, q)
	return nil
}

// judged takes the verdict: only on the last Response, and only once.
func (a *answer) judged(c ppp.Control) (ppp.Step, error) {
	if !a.waiting || c.ID != a.asked.ID {
		return ppp.Step{}, ppp.ErrStale
	}
	if c.Code == Failure {
		return a.fail(a.scheme.failure(c.Data)), nil
	}
	text, ok := a.scheme.success(c.Data, a.expect)
	if !ok {
		return a.fail("server failed to prove it knows the password"), nil
	}
	a.waiting = false
	a.resend, a.timeout = time.Time{}, time.Time{}
	return ppp.Step{Outcome: ppp.Succeeded, Name: a.who.Name, Message: text}, nil
}

func (a *answer) fail(why string) ppp.Step {
	a.ended, a.waiting = true, false
	a.resend, a.timeout = time.Time{}, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Name: a.who.Name, Message: why}
}
