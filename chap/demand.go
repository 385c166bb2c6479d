package chap

import (
	"bytes"
	"io"
	"time"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// maxMessage bounds what a Success or Failure says, in octets.
const maxMessage = 255

// phase is where a demand stands.
type phase uint8

const (
	asking  phase = iota // a Challenge waits for its Response
	judging              // the Response's proof waits for a decision
	proved               // the peer is authenticated
	over                 // it is not, and will not be
)

// demand is the authenticator's side of an exchange.
type demand struct {
	scheme scheme
	name   string
	key    []byte
	rand   io.Reader
	timers ppp.AuthTimers

	phase    phase
	id       uint8 // of the Challenge, and of all that follows from it
	value    []byte
	sent     int // how often
	deadline time.Time
	user     string      // of the proof that is judged
	known    string      // who the peer has proved to be
	open     bool        // it has: the link may be open
	verdict  ppp.Control // on the Challenge; Code 0: none yet
}

var (
	_ ppp.Authenticator = (*demand)(nil)
	_ ppp.Challenger    = (*demand)(nil)
)

func newDemand(s scheme, x ppp.AuthenticatorConfig) *demand {
	return &demand{scheme: s, name: x.Name, key: x.Key, rand: x.Rand, timers: x.Timers.WithDefaults(0)}
}

// Protocol implements ppp.AuthExchange.
func (d *demand) Protocol() ppp.Protocol { return ppp.CHAP }

// Deadline implements ppp.AuthExchange.
func (d *demand) Deadline() time.Time { return d.deadline }

// IsOutstanding implements ppp.Challenger.
func (d *demand) IsOutstanding(challenge []byte) bool { return bytes.Equal(challenge, d.value) }

// Start implements ppp.AuthExchange. The first Identifier is random, so that it
// tells nothing of other exchanges.
func (d *demand) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	d.id = random.Fill(d.rand, id[:])[0]
	d.ask(now, q)
}

// ask sends a new challenge. RFC 1994 section 4.1: its Identifier and its value
// differ from those before.
func (d *demand) ask(now time.Time, q *ppp.Queue) {
	d.phase = asking
	d.id++
	d.value = d.scheme.challenge(d.rand, d.key)
	d.verdict = ppp.Control{}
	d.sent = 0
	d.send(now, q)
}

// send sends the challenge, once more perhaps. A repetition keeps Identifier
// and value, as pppd's does: else a Response that takes longer than the Restart
// timer would never count.
func (d *demand) send(now time.Time, q *ppp.Queue) {
	d.sent++
	d.deadline = now.Add(d.timers.Restart)
	q.Add(ppp.CHAP, ppp.Control{Code: Challenge, ID: d.id, Data: AppendValue(nil, d.value, d.name)})
}

// Advance implements ppp.AuthExchange.
func (d *demand) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	if d.deadline.IsZero() || now.Before(d.deadline) {
		return ppp.Step{}
	}
	switch {
	case d.phase == proved:
		d.ask(now, q)
	case d.sent < d.timers.MaxTransmit:
		d.send(now, q)
	default:
		d.phase, d.deadline = over, time.Time{}
		return ppp.Step{Outcome: ppp.Failed, Name: d.known, Message: "peer does not answer the challenge"}
	}
	return ppp.Step{}
}

// Receive implements ppp.AuthExchange.
func (d *demand) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch {
	case c.Code != Response:
		return ppp.Step{}, ppp.ErrRole
	case c.ID != d.id || d.sent == 0:
		return ppp.Step{}, ppp.ErrStale
	case d.verdict.Code != 0:
		// RFC 1994 section 4.1: whatever the repetition holds, it gets the
		// same reply, so that nobody can try secrets.
		q.Add(ppp.CHAP, d.verdict)
		return ppp.Step{}, nil
	case d.phase == judging:
		return ppp.Step{}, ppp.ErrAuthPending
	case d.phase == over:
		return ppp.Step{}, ppp.ErrStale
	}
	return d.examine(now, c, q)
}

// examine hands on what the Response proves, or refuses at once what can prove
// nothing: RFC 1994 section 4.1 wants an answer to every Response.
func (d *demand) examine(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	value, name, err := ParseValue(c.Data)
	if err != nil {
		return ppp.Step{}, err
	}
	d.user = string(name)
	proof, ok := d.scheme.proof(d.id, d.value, bytes.Clone(value), d.user)
	switch {
	case !ok:
		return d.refuse(now, "response has a wrong length", q), nil
	case d.open && d.user != d.known:
		return d.refuse(now, "peer changed its name in an open link", q), nil
	}
	d.phase, d.deadline = judging, time.Time{}
	return ppp.Step{Outcome: ppp.AwaitingResult, Name: d.user, Response: proof}, nil
}

func (d *demand) refuse(now time.Time, why string, q *ppp.Queue) ppp.Step {
	step := d.conclude(now, ppp.AuthResult{}, q)
	step.Message = why
	return step
}

// SetResult implements ppp.Authenticator.
func (d *demand) SetResult(now time.Time, decision ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if d.phase != judging {
		return ppp.Step{}
	}
	return d.conclude(now, decision, q)
}

// conclude tells the peer the verdict, and keeps it for repeated Responses.
func (d *demand) conclude(now time.Time, decision ppp.AuthResult, q *ppp.Queue) ppp.Step {
	step := ppp.Step{Outcome: ppp.Failed, Name: d.user, Message: decision.LogReason()}
	d.verdict = ppp.Control{Code: Failure, ID: d.id}
	d.phase, d.deadline = over, time.Time{}
	if decision.Accepted {
		step = ppp.Step{Outcome: ppp.Succeeded, Name: d.user}
		d.verdict.Code = Success
		d.phase, d.open, d.known = proved, true, d.user
		if d.timers.Rechallenge > 0 {
			d.deadline = now.Add(d.timers.Rechallenge)
		}
	}
	message := d.scheme.message(decision, d.value)
	d.verdict.Data = []byte(message[:min(len(message), maxMessage)])
	q.Add(ppp.CHAP, d.verdict)
	return step
}
