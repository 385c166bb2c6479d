package eap

import (
	"bytes"
	"time"

	"upppoe/internal/random"
	"upppoe/ppp"
)

// PassThrough is EAP as a ppp.Method whose authenticator relays the peer's Responses to a server, which
// has the methods (RFC 3748 section 2.3). Its responses are of type Relayed. As the peer it is
// MD5. It may be used concurrently.
var PassThrough ppp.Method = passThroughMethod{}

type passThroughMethod struct{ method }

// NewAuthenticator implements ppp.Method.
func (passThroughMethod) NewAuthenticator(cfg ppp.AuthenticatorConfig) ppp.Authenticator {
	return &passThrough{cfg: cfg, timers: cfg.Timers.WithDefaults(0)}
}

// Relayed is a peer's Response for a server (RFC 3579 section 2.1).
type Relayed struct {
	Identity string // untrusted: escape it before printing
	Packet   []byte // encoded
	State    []byte // of the last ppp.AuthResult
}

var _ ppp.AuthResponse = Relayed{}

// User returns the peer's identity. It is untrusted.
func (r Relayed) User() string { return r.Identity }

// Verify returns false: the server has the method.
func (Relayed) Verify([]byte) (message string, ok bool) { return "", false }

// Bounds of an exchange: what a peer or a server can make us do.
const (
	maxRounds = 100  // Responses: EAP-TLS with long certificates has fewer
	maxPacket = 1484 // octets that each MRU of a PPPoE session has room for, without RFC 4638
)

// passThrough is the authenticator's side of an exchange.
type passThrough struct {
	cfg    ppp.AuthenticatorConfig
	timers ppp.AuthTimers

	phase    phase       // identifying; challenging: a Request of the server has no Response; authenticating, ...
	request  ppp.Control // the last Request; Code 0: not started
	result   ppp.Control // the Success or Failure; Code 0: none yet
	sent     int         // transmissions of the Request
	rounds   int         // Responses in this conversation
	deadline time.Time
	identity string
	state    []byte
}

var _ ppp.Authenticator = (*passThrough)(nil)

// Protocol implements ppp.AuthExchange.
func (a *passThrough) Protocol() ppp.Protocol { return ppp.EAP }

// Deadline implements ppp.AuthExchange.
func (a *passThrough) Deadline() time.Time { return a.deadline }

// Start implements ppp.AuthExchange. It requests the peer's identity, with a random Identifier.
func (a *passThrough) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	random.Fill(a.cfg.Rand, id[:])
	a.identify(now, id[0], q)
}

func (a *passThrough) identify(now time.Time, id uint8, q *ppp.Queue) {
	a.phase, a.rounds, a.state = identifying, 0, nil
	a.send(now, Packet{Code: Request, ID: id, Type: Identity}.Control(), q)
}

// send sends a new Request.
func (a *passThrough) send(now time.Time, request ppp.Control, q *ppp.Queue) {
	a.request, a.result, a.sent = request, ppp.Control{}, 0
	a.transmit(now, q)
}

func (a *passThrough) transmit(now time.Time, q *ppp.Queue) {
	a.sent++
	a.deadline = now.Add(a.timers.Restart)
	q.Add(ppp.EAP, a.request)
}

// Advance implements ppp.AuthExchange. Requests, also the server's, are retransmitted by us (RFC 3748
// section 4.3).
func (a *passThrough) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return ppp.Step{}
	}
	switch {
	case a.phase == authenticated:
		a.identify(now, a.request.ID+1, q)
	case a.sent < a.timers.MaxTransmit:
		a.transmit(now, q)
	default:
		a.phase, a.deadline = failed, time.Time{}
		return ppp.Step{Outcome: ppp.Failed, Name: a.identity, Message: "no EAP Response from the peer"}
	}
	return ppp.Step{}
}

// Receive implements ppp.AuthExchange.
func (a *passThrough) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
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
	case (p.Type == Identity) != (Type(a.request.Data[0]) == Identity): // else a peer could change its name (RFC 3748 section 2.1)
		return ppp.Step{}, ErrUnexpected
	case a.phase != identifying && a.phase != challenging:
		return ppp.Step{}, ErrUnexpected
	}
	if a.rounds++; a.rounds > maxRounds {
		return a.finish(now, ppp.Control{Code: Failure, ID: a.request.ID}, "EAP takes too many Requests", q), nil
	}
	if p.Type == Identity {
		a.identity = string(p.Data)
	}
	a.phase, a.deadline = authenticating, time.Time{}
	return ppp.Step{Outcome: ppp.AwaitingResult, Name: a.identity, Response: Relayed{Identity: a.identity, Packet: c.AppendTo(nil), State: a.state}}, nil
}

// SetResult implements ppp.Authenticator. A packet of the server that contradicts its result, or cannot
// be sent, ends the exchange without success (RFC 3579 section 2.6.3).
func (a *passThrough) SetResult(now time.Time, result ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if a.phase != authenticating {
		return ppp.Step{}
	}
	end := ppp.Control{Code: Failure, ID: a.request.ID}
	if result.Accepted {
		end.Code = Success
	}
	if len(result.Relayed) == 0 {
		return a.finish(now, end, result.LogReason(), q)
	}
	relayed, err := ppp.ParseControl(result.Relayed)
	relayed.Data = bytes.Clone(relayed.Data)
	switch {
	case err != nil || len(result.Relayed) > maxPacket:
		return a.finish(now, ppp.Control{Code: Failure, ID: a.request.ID}, "the server's EAP packet has a wrong length", q)
	case relayed.Code == Request && !result.Accepted && len(relayed.Data) > 0:
		a.phase, a.state = challenging, result.State
		a.send(now, relayed, q)
		return ppp.Step{}
	case relayed.Code == end.Code:
		return a.finish(now, relayed, result.LogReason(), q)
	}
	return a.finish(now, ppp.Control{Code: Failure, ID: a.request.ID}, "the server's EAP packet contradicts its answer", q)
}

// finish sends the Success or Failure that ends a conversation, and keeps it for repeated Responses.
func (a *passThrough) finish(now time.Time, end ppp.Control, why string, q *ppp.Queue) ppp.Step {
	a.result, a.phase, a.deadline, a.state = end, failed, time.Time{}, nil
	q.Add(ppp.EAP, end)
	if end.Code != Success {
		return ppp.Step{Outcome: ppp.Failed, Name: a.identity, Message: why}
	}
	a.phase = authenticated
	if a.timers.Rechallenge > 0 {
		a.deadline = now.Add(a.timers.Rechallenge)
	}
	return ppp.Step{Outcome: ppp.Succeeded, Name: a.identity}
}
