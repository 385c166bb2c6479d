package eap

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
)

// ErrUnexpected reports a packet that RFC 3748 does not allow in this state.
var ErrUnexpected = errors.New("eap: packet not allowed in this state")

// defaultTimeout bounds the wait for a Request and for Success or Failure, as with
// CHAP.
const defaultTimeout = 60 * time.Second

// peer is the peer's side of an exchange. It has no retransmission timer: RFC 3748
// section 4.3 leaves retransmission to the authenticator.
type peer struct {
	credentials ppp.Credentials
	timers      ppp.AuthTimers

	failed       bool
	request      ppp.Control // the last Request answered
	response     ppp.Control // the Response to it; Code 0: none yet
	responded    bool        // a challenge was answered: Success is allowed
	started      bool        // a Request was answered: Failure is allowed
	notification string      // the last Notification
	deadline     time.Time
}

var (
	_ ppp.AuthExchange    = (*peer)(nil)
	_ ppp.ImplicitSuccess = (*peer)(nil)
)

func newPeer(c ppp.Credentials) *peer {
	return &peer{credentials: c, timers: c.Timers.WithDefaults(defaultTimeout)}
}

// Protocol implements ppp.AuthExchange.
func (p *peer) Protocol() ppp.Protocol { return ppp.EAP }

// Deadline implements ppp.AuthExchange.
func (p *peer) Deadline() time.Time { return p.deadline }

// Start implements ppp.AuthExchange. The authenticator sends the first packet.
func (p *peer) Start(now time.Time, _ *ppp.Queue) {
	if p.timers.Timeout > 0 {
		p.deadline = now.Add(p.timers.Timeout)
	}
}

// Advance implements ppp.AuthExchange.
func (p *peer) Advance(now time.Time, _ *ppp.Queue) ppp.Step {
	if p.deadline.IsZero() || now.Before(p.deadline) {
		return ppp.Step{}
	}
	if p.started {
		return p.fail("no EAP Success or Failure from the server")
	}
	return p.fail("no EAP Request from the server")
}

// Receive implements ppp.AuthExchange.
func (p *peer) Receive(_ time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	packet, err := ParsePacket(c)
	switch {
	case err != nil:
		return ppp.Step{}, err
	case packet.Code == Response:
		return ppp.Step{}, ppp.ErrRole
	case p.failed:
		return ppp.Step{}, ppp.ErrStale
	case packet.Code == Request:
		return p.receiveRequest(c, packet, q)
	}
	return p.receiveResult(packet)
}

// receiveRequest answers a Request. RFC 3748 section 4.1: a repeated Request gets the
// same Response, and a new one must have another Identifier. But pppd repeats an
// unanswered MD5-Challenge with another value under the old Identifier, and accepts
// only a Response to the last value.
func (p *peer) receiveRequest(c ppp.Control, packet Packet, q *ppp.Queue) (ppp.Step, error) {
	if p.response.Code != 0 && c.ID == p.request.ID {
		switch {
		case bytes.Equal(c.Data, p.request.Data):
			q.Add(ppp.EAP, p.response)
			return ppp.Step{}, nil
		case packet.Type != MD5Challenge || !p.responded:
			return ppp.Step{}, ppp.ErrStale
		}
	}
	response, step, err := p.respond(packet)
	if err != nil || step.Outcome != ppp.Pending {
		return step, err
	}
	p.started = true
	p.request = ppp.Control{Code: c.Code, ID: c.ID, Data: bytes.Clone(c.Data)}
	p.response = response.Control()
	q.Add(ppp.EAP, p.response)
	return ppp.Step{}, nil
}

// respond makes the Response to a new Request.
func (p *peer) respond(request Packet) (response Packet, step ppp.Step, err error) {
	response = Packet{Code: Response, ID: request.ID, Type: request.Type}
	switch {
	case request.Type == MD5Challenge:
		response.Data, step, err = p.respondMD5(request)
		p.responded = p.responded || response.Data != nil
	case request.Type == Notification: // section 5.2: always answered, without data
		p.notification = string(request.Data)
	case p.responded || request.Type == Nak:
		// Section 2.1: no other type once a method has begun; section 5.3.1: no Nak in a
		// Request.
		err = ErrUnexpected
	case request.Type == Identity:
		response.Data = []byte(p.credentials.Name)
	default: // section 5.3.1: propose the type that we implement
		response.Type, response.Data = Nak, []byte{byte(MD5Challenge)}
	}
	return response, step, err
}

// respondMD5 computes the data of the Response to an MD5-Challenge.
func (p *peer) respondMD5(request Packet) ([]byte, ppp.Step, error) {
	challenge, server, err := chap.ParseValue(request.Data)
	if err != nil {
		return nil, ppp.Step{}, err
	}
	if p.credentials.Reflected(challenge) {
		return nil, ppp.Step{}, ppp.ErrReflected
	}
	secret, ok := p.credentials.Secret(string(server))
	if !ok || len(secret) == 0 {
		return nil, p.fail(fmt.Sprintf("No EAP secret found for authenticating us to %q", server)), nil
	}
	return chap.AppendValue(nil, chap.MD5Hash(request.ID, secret, challenge), p.credentials.Name), ppp.Step{}, nil
}

// receiveResult handles a Success or Failure. A Success before we have answered a
// challenge is forged (RFC 3748 section 4.2), and so is a Failure before we have
// answered a Request.
func (p *peer) receiveResult(packet Packet) (ppp.Step, error) {
	switch {
	case !p.started || packet.Code == Success && !p.responded:
		return ppp.Step{}, ErrUnexpected
	case packet.ID != p.request.ID && packet.ID != p.request.ID+1:
		// RFC 3748 section 4.2 requires the Response's Identifier; pppd sends the next one.
		return ppp.Step{}, ppp.ErrStale
	case packet.Code == Failure:
		return p.fail(p.notification), nil
	}
	return p.succeed(), nil
}

func (p *peer) succeed() ppp.Step {
	// The next Request begins a new conversation.
	p.started, p.responded, p.deadline = false, false, time.Time{}
	step := ppp.Step{Outcome: ppp.Succeeded, Name: p.credentials.Name, Message: p.notification}
	p.notification = ""
	return step
}

// AssumeSuccess implements ppp.ImplicitSuccess. RFC 3748 section 4.2: a Success is not
// retransmitted, and the peer must allow for its loss; by RFC 2284 section 2.2.2 a packet
// of a network protocol stands for it.
func (p *peer) AssumeSuccess() ppp.Step {
	if p.failed || !p.started || !p.responded {
		return ppp.Step{}
	}
	return p.succeed()
}

func (p *peer) fail(reason string) ppp.Step {
	p.failed, p.deadline = true, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Name: p.credentials.Name, Message: reason}
}
