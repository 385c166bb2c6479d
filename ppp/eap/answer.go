package eap

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
)

// ErrUnexpected says that a packet came in a state in which RFC 3748 has no place
// for it.
var ErrUnexpected = errors.New("eap: packet has no place in this state")

// patience is how long to wait to be asked and accepted, as with CHAP.
const patience = 60 * time.Second

// answer is the peer's side of an exchange. It has no timer of its own to send
// again: RFC 3748 section 4.3 leaves that to the authenticator.
type answer struct {
	who    ppp.Credentials
	timers ppp.AuthTimers

	ended    bool        // by failure
	asked    ppp.Control // the last Request answered
	reply    ppp.Control // the Response to it; Code 0: none yet
	proved   bool        // we have answered a challenge: Success may come
	running  bool        // a conversation is: Failure may come
	note     string      // the last Notification
	deadline time.Time
}

var (
	_ ppp.AuthExchange    = (*answer)(nil)
	_ ppp.ImplicitSuccess = (*answer)(nil)
)

func newAnswer(c ppp.Credentials) *answer {
	return &answer{who: c, timers: c.Timers.WithDefaults(patience)}
}

// Protocol implements ppp.AuthExchange.
func (a *answer) Protocol() ppp.Protocol { return ppp.EAP }

// Deadline implements ppp.AuthExchange.
func (a *answer) Deadline() time.Time { return a.deadline }

// Start implements ppp.AuthExchange: the authenticator speaks first.
func (a *answer) Start(now time.Time, _ *ppp.Queue) {
	if a.timers.Timeout > 0 {
		a.deadline = now.Add(a.timers.Timeout)
	}
}

// Advance implements ppp.AuthExchange.
func (a *answer) Advance(now time.Time, _ *ppp.Queue) ppp.Step {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return ppp.Step{}
	}
	if a.running {
		return a.fail("server does not say whether it accepts us")
	}
	return a.fail("server does not ask who we are")
}

// Receive implements ppp.AuthExchange.
func (a *answer) Receive(_ time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	p, err := ParsePacket(c)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case p.Code == Response:
		return ppp.Step{}, ppp.ErrRole
	case a.ended:
		return ppp.Step{}, ppp.ErrStale
	case p.Code == Request:
		return a.requested(c, p, q)
	}
	return a.judged(p)
}

// requested answers a Request. RFC 3748 section 4.1: a repeated one gets the
// same Response, and a new one must have another Identifier. But pppd, when it hears
// nothing, repeats its MD5-Challenge with another value under the old Identifier, and
// takes an answer to the last value only.
func (a *answer) requested(c ppp.Control, p Packet, q *ppp.Queue) (ppp.Step, error) {
	if a.reply.Code != 0 && c.ID == a.asked.ID {
		switch {
		case bytes.Equal(c.Data, a.asked.Data):
			q.Add(ppp.EAP, a.reply)
			return ppp.Step{}, nil
		case p.Type != MD5Challenge || !a.proved:
			return ppp.Step{}, ppp.ErrStale
		}
	}
	reply, step, err := a.respond(p)
	if err != nil || step.Outcome != ppp.Pending {
		return step, err
	}
	a.running = true
	a.asked = ppp.Control{Code: c.Code, ID: c.ID, Data: bytes.Clone(c.Data)}
	a.reply = reply.Control()
	q.Add(ppp.EAP, a.reply)
	return ppp.Step{}, nil
}

// respond makes the Response to a new Request.
func (a *answer) respond(p Packet) (reply Packet, step ppp.Step, err error) {
	reply = Packet{Code: Response, ID: p.ID, Type: p.Type}
	switch {
	case p.Type == MD5Challenge:
		reply.Data, step, err = a.prove(p)
		a.proved = a.proved || reply.Data != nil
	case p.Type == Notification: // section 5.2: always answered, with nothing
		a.note = string(p.Data)
	case a.proved || p.Type == Nak:
		// Section 2.1: no other type once a method is on; section 5.3.1: no
		// Nak in a Request.
		err = ErrUnexpected
	case p.Type == Identity:
		reply.Data = []byte(a.who.Name)
	default: // section 5.3.1: tell what we would take instead
		reply.Type, reply.Data = Nak, []byte{byte(MD5Challenge)}
	}
	return reply, step, err
}

// prove computes what answers a challenge.
func (a *answer) prove(p Packet) ([]byte, ppp.Step, error) {
	challenge, server, err := chap.ParseValue(p.Data)
	if err != nil {
		return nil, ppp.Step{}, err
	}
	if a.who.Reflected(challenge) {
		return nil, ppp.Step{}, ppp.ErrReflected
	}
	secret, ok := a.who.Secret(string(server))
	if !ok || len(secret) == 0 {
		return nil, a.fail(fmt.Sprintf("No EAP secret found for authenticating us to %q", server)), nil
	}
	return chap.AppendValue(nil, chap.MD5Hash(p.ID, secret, challenge), a.who.Name), ppp.Step{}, nil
}

// judged takes the verdict. A Success before we have proved anything is forged
// (RFC 3748 section 4.2), and so is a Failure before we were asked anything.
func (a *answer) judged(p Packet) (ppp.Step, error) {
	switch {
	case !a.running || p.Code == Success && !a.proved:
		return ppp.Step{}, ErrUnexpected
	case p.ID != a.asked.ID && p.ID != a.asked.ID+1:
		// RFC 3748 section 4.2 has the Response's Identifier; pppd's is one more.
		return ppp.Step{}, ppp.ErrStale
	case p.Code == Failure:
		return a.fail(a.note), nil
	}
	return a.succeed(), nil
}

func (a *answer) succeed() ppp.Step {
	// What comes next is a conversation of its own.
	a.running, a.proved, a.deadline = false, false, time.Time{}
	step := ppp.Step{Outcome: ppp.Succeeded, Name: a.who.Name, Message: a.note}
	a.note = ""
	return step
}

// AssumeSuccess implements ppp.ImplicitSuccess. RFC 3748 section 4.2: a Success is not repeated,
// and the peer must allow for its loss; RFC 2284 section 2.2.2 has a packet of a network
// protocol stand for it.
func (a *answer) AssumeSuccess() ppp.Step {
	if a.ended || !a.running || !a.proved {
		return ppp.Step{}
	}
	return a.succeed()
}

func (a *answer) fail(why string) ppp.Step {
	a.ended, a.deadline = true, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Name: a.who.Name, Message: why}
}
