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

// phase is where a demand stands.
type phase uint8

const (
	identifying phase = iota // a Request for the identity waits for its Response
	challenging              // a challenge does
	judging                  // the proof in the Response waits for a decision
	accepted                 // the peer is authenticated
	over                     // it is not, and will not be
)

// demand is the authenticator's side of an exchange.
type demand struct {
	name   string
	key    []byte
	rand   io.Reader
	timers ppp.AuthTimers

	phase     phase
	request   ppp.Control // the last Request; Code 0: not begun
	challenge []byte
	sent      int // Requests without a Response that leads on
	deadline  time.Time
	identity  string
	verdict   ppp.Control // on the last Request's Response; Code 0: none yet
}

var (
	_ ppp.Authenticator = (*demand)(nil)
	_ ppp.Challenger    = (*demand)(nil)
)

func newDemand(x ppp.AuthenticatorConfig) *demand {
	return &demand{name: x.Name, key: x.Key, rand: x.Rand, timers: x.Timers.WithDefaults(0)}
}

// Protocol implements ppp.AuthExchange.
func (d *demand) Protocol() ppp.Protocol { return ppp.EAP }

// Deadline implements ppp.AuthExchange.
func (d *demand) Deadline() time.Time { return d.deadline }

// IsOutstanding implements ppp.Challenger.
func (d *demand) IsOutstanding(challenge []byte) bool { return bytes.Equal(challenge, d.challenge) }

// Start implements ppp.AuthExchange: it asks for the peer's identity, with a random
// Identifier.
func (d *demand) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	d.request.ID = random.Fill(d.rand, id[:])[0]
	d.ask(now, Identity, nil, q)
}

// ask sends a new Request: RFC 3748 section 4.1, with a new Identifier.
func (d *demand) ask(now time.Time, t Type, data []byte, q *ppp.Queue) {
	d.request = Packet{Code: Request, ID: d.request.ID + 1, Type: t, Data: data}.Control()
	d.verdict = ppp.Control{}
	d.send(now, q)
}

// send sends the Request, once more perhaps: section 4.1, with the same
// Identifier.
func (d *demand) send(now time.Time, q *ppp.Queue) {
	d.sent++
	d.deadline = now.Add(d.timers.Restart)
	q.Add(ppp.EAP, d.request)
}

func (d *demand) sendChallenge(now time.Time, q *ppp.Queue) {
	d.phase = challenging
	d.challenge = chap.NewChallenge(d.rand, d.key)
	d.ask(now, MD5Challenge, chap.AppendValue(nil, d.challenge, d.name), q)
}

// Advance implements ppp.AuthExchange. A peer in an open link is challenged again
// without being asked for its identity, which is known (RFC 3748 section 2).
func (d *demand) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	if d.deadline.IsZero() || now.Before(d.deadline) {
		return ppp.Step{}
	}
	switch {
	case d.phase == accepted:
		d.sent = 0
		d.sendChallenge(now, q)
	case d.sent < d.timers.MaxTransmit:
		d.send(now, q)
	default:
		return d.end("peer does not answer")
	}
	return ppp.Step{}
}

// Receive implements ppp.AuthExchange.
func (d *demand) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	p, err := ParsePacket(c)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case p.Code != Response:
		return ppp.Step{}, ppp.ErrRole
	case p.ID != d.request.ID || d.request.Code == 0:
		return ppp.Step{}, ppp.ErrStale
	case d.verdict.Code != 0:
		q.Add(ppp.EAP, d.verdict)
		return ppp.Step{}, nil
	case d.phase == judging:
		return ppp.Step{}, ppp.ErrAuthPending
	case d.phase == identifying && p.Type == Identity:
		d.identity, d.sent = string(p.Data), 0
		d.sendChallenge(now, q)
		return ppp.Step{}, nil
	case d.phase == challenging && p.Type == MD5Challenge:
		return d.examine(now, p, q)
	case d.phase == challenging && p.Type == Nak:
		return d.refused(now, p, q), nil
	}
	return ppp.Step{}, ErrUnexpected
}

// examine hands on what the Response proves, or refuses at once what can prove
// nothing. The identity counts; a name beside it must not be another.
func (d *demand) examine(now time.Time, p Packet, q *ppp.Queue) (ppp.Step, error) {
	value, name, err := chap.ParseValue(p.Data)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case len(value) != md5.Size:
		return d.refuse(now, "response has a wrong length", q), nil
	case len(name) > 0 && string(name) != d.identity:
		return d.refuse(now, "name in the response is not the identity", q), nil
	}
	d.phase, d.deadline = judging, time.Time{}
	return ppp.Step{
		Outcome: ppp.AwaitingResult, Name: d.identity,
		Response: chap.MD5Response{ID: p.ID, Challenge: d.challenge, Response: bytes.Clone(value), Name: d.identity},
	}, nil
}

// refused heeds a Nak (RFC 3748 section 5.3.1). One that asks for what we
// offered gets it again, in the same count of tries; we have nothing else.
func (d *demand) refused(now time.Time, p Packet, q *ppp.Queue) ppp.Step {
	if slices.Contains(p.Data, byte(MD5Challenge)) && d.sent < d.timers.MaxTransmit {
		d.sendChallenge(now, q)
		return ppp.Step{}
	}
	return d.refuse(now, "peer wants another EAP method than MD5-Challenge", q)
}

func (d *demand) refuse(now time.Time, why string, q *ppp.Queue) ppp.Step {
	d.conclude(now, false, q)
	return ppp.Step{Outcome: ppp.Failed, Name: d.identity, Message: why}
}

// SetResult implements ppp.Authenticator. EAP has no room for the decision's message.
func (d *demand) SetResult(now time.Time, decision ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if d.phase != judging {
		return ppp.Step{}
	}
	d.conclude(now, decision.Accepted, q)
	if decision.Accepted {
		return ppp.Step{Outcome: ppp.Succeeded, Name: d.identity}
	}
	return ppp.Step{Outcome: ppp.Failed, Name: d.identity, Message: decision.LogReason()}
}

// conclude tells the peer the verdict, with the Identifier of its Response
// (RFC 3748 section 4.2), and keeps it for repeated Responses.
func (d *demand) conclude(now time.Time, granted bool, q *ppp.Queue) {
	d.verdict = ppp.Control{Code: Failure, ID: d.request.ID}
	d.phase, d.deadline = over, time.Time{}
	if granted {
		d.verdict.Code, d.phase = Success, accepted
		if d.timers.Rechallenge > 0 {
			d.deadline = now.Add(d.timers.Rechallenge)
		}
	}
	q.Add(ppp.EAP, d.verdict)
}

// end gives up on a peer that says nothing.
func (d *demand) end(why string) ppp.Step {
	d.phase, d.deadline = over, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Name: d.identity, Message: why}
}
