package pap

import (
	"time"

	"upppoe/ppp"
)

// peer is the peer's side of an exchange.
type peer struct {
	credentials ppp.Credentials
	timers      ppp.AuthTimers

	request    []byte // nil: nothing can be sent, see startError
	startError string
	id         uint8 // of the last request
	sent       int
	done       bool
	deadline   time.Time
}

var _ ppp.AuthExchange = (*peer)(nil)

func newPeer(c ppp.Credentials) *peer {
	return &peer{credentials: c, timers: c.Timers.WithDefaults(0)}
}

// Protocol implements ppp.AuthExchange.
func (p *peer) Protocol() ppp.Protocol { return ppp.PAP }

// Deadline implements ppp.AuthExchange.
func (p *peer) Deadline() time.Time { return p.deadline }

// Start implements ppp.AuthExchange. The peer sends the first packet; if it cannot,
// Advance reports the reason at once.
func (p *peer) Start(now time.Time, q *ppp.Queue) {
	secret, ok := p.secret()
	switch {
	case !ok:
		p.startError = "No PAP secret found for authenticating us"
	case len(p.credentials.Name) > maxField || len(secret) > maxField:
		p.startError = "name or password is longer than PAP's 255 octets"
	default:
		p.request = Request{[]byte(p.credentials.Name), secret}.AppendTo(nil)
		p.sendRequest(now, q)
		return
	}
	p.deadline = now
}

func (p *peer) secret() ([]byte, bool) {
	if p.credentials.CleartextSecret != nil {
		return p.credentials.CleartextSecret()
	}
	return p.credentials.Secret("")
}

// sendRequest sends the request, or sends it again, with a new Identifier each time
// (RFC 1334 section 2.2.1).
func (p *peer) sendRequest(now time.Time, q *ppp.Queue) {
	p.id++
	p.sent++
	p.deadline = now.Add(p.timers.Restart)
	q.Add(ppp.PAP, ppp.Control{Code: AuthenticateRequest, ID: p.id, Data: p.request})
}

// Advance implements ppp.AuthExchange.
func (p *peer) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	switch {
	case p.deadline.IsZero() || now.Before(p.deadline):
		return ppp.Step{}
	case p.startError != "":
		return p.finish(ppp.Failed, p.startError)
	case p.sent < p.timers.MaxTransmit:
		p.sendRequest(now, q)
		return ppp.Step{}
	}
	return p.finish(ppp.Failed, "no PAP Authenticate-Ack or -Nak from the server")
}

// Receive implements ppp.AuthExchange.
func (p *peer) Receive(_ time.Time, c ppp.Control, _ *ppp.Queue) (ppp.Step, error) {
	if c.Code != AuthenticateAck && c.Code != AuthenticateNak {
		return ppp.Step{}, ppp.ErrRole
	}
	if p.done || !p.isRequestID(c.ID) {
		return ppp.Step{}, ppp.ErrStale
	}
	message, err := ParseMessage(c.Data)
	if err != nil && len(c.Data) > 0 { // some implementations omit the length of an empty message
		return ppp.Step{}, err
	}
	if c.Code == AuthenticateNak {
		return p.finish(ppp.Failed, string(message)), nil
	}
	return p.finish(ppp.Succeeded, string(message)), nil
}

// isRequestID reports whether one of our requests has the Identifier: an answer to any
// copy of the request counts.
func (p *peer) isRequestID(id uint8) bool { return int(p.id-id) < p.sent }

func (p *peer) finish(o ppp.Outcome, message string) ppp.Step {
	p.done, p.deadline, p.request = true, time.Time{}, nil
	return ppp.Step{Outcome: o, Name: p.credentials.Name, Message: message}
}
