package pap

import (
	"time"

	"upppoe/ppp"
)

// answer is the peer's side of an exchange.
type answer struct {
	who    ppp.Credentials
	timers ppp.AuthTimers

	request  []byte // nil: there is nothing to send, for the reason told by doom
	doom     string
	id       uint8 // of the last request
	sent     int
	done     bool
	deadline time.Time
}

var _ ppp.AuthExchange = (*answer)(nil)

func newAnswer(c ppp.Credentials) *answer {
	return &answer{who: c, timers: c.Timers.WithDefaults(0)}
}

// Protocol implements ppp.AuthExchange.
func (a *answer) Protocol() ppp.Protocol { return ppp.PAP }

// Deadline implements ppp.AuthExchange.
func (a *answer) Deadline() time.Time { return a.deadline }

// Start implements ppp.AuthExchange: the peer speaks first. What makes that
// impossible is told by Advance, at once.
func (a *answer) Start(now time.Time, q *ppp.Queue) {
	secret, ok := a.secret()
	switch {
	case !ok:
		a.doom = "No PAP secret found for authenticating us"
	case len(a.who.Name) > maxField || len(secret) > maxField:
		a.doom = "name or password is longer than PAP's 255 octets"
	default:
		a.request = Request{[]byte(a.who.Name), secret}.AppendTo(nil)
		a.send(now, q)
		return
	}
	a.deadline = now
}

func (a *answer) secret() ([]byte, bool) {
	if a.who.CleartextSecret != nil {
		return a.who.CleartextSecret()
	}
	return a.who.Secret("")
}

// send sends the request, once more perhaps, with a new Identifier each time
// (RFC 1334 section 2.2.1).
func (a *answer) send(now time.Time, q *ppp.Queue) {
	a.id++
	a.sent++
	a.deadline = now.Add(a.timers.Restart)
	q.Add(ppp.PAP, ppp.Control{Code: AuthenticateRequest, ID: a.id, Data: a.request})
}

// Advance implements ppp.AuthExchange.
func (a *answer) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	switch {
	case a.deadline.IsZero() || now.Before(a.deadline):
		return ppp.Step{}
	case a.doom != "":
		return a.finish(ppp.Failed, a.doom)
	case a.sent < a.timers.MaxTransmit:
		a.send(now, q)
		return ppp.Step{}
	}
	return a.finish(ppp.Failed, "server does not answer our request")
}

// Receive implements ppp.AuthExchange.
func (a *answer) Receive(_ time.Time, c ppp.Control, _ *ppp.Queue) (ppp.Step, error) {
	if c.Code != AuthenticateAck && c.Code != AuthenticateNak {
		return ppp.Step{}, ppp.ErrRole
	}
	if a.done || !a.asked(c.ID) {
		return ppp.Step{}, ppp.ErrStale
	}
	message, err := ParseMessage(c.Data)
	if err != nil && len(c.Data) > 0 { // a peer without words may leave out their length
		return ppp.Step{}, err
	}
	if c.Code == AuthenticateNak {
		return a.finish(ppp.Failed, string(message)), nil
	}
	return a.finish(ppp.Succeeded, string(message)), nil
}

// asked reports whether a request of ours has the Identifier: an answer to an
// earlier copy of it is as good as one to the last.
func (a *answer) asked(id uint8) bool { return int(a.id-id) < a.sent }

func (a *answer) finish(o ppp.Outcome, message string) ppp.Step {
	a.done, a.deadline, a.request = true, time.Time{}, nil
	return ppp.Step{Outcome: o, Name: a.who.Name, Message: message}
}
