package eap

import (
	"bytes"
	"io"
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
	return &passThrough{rand: cfg.Rand, exchange: exchange{timers: cfg.Timers.WithDefaults(0)}}
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
	exchange
	rand   io.Reader
	rounds int // Responses in this conversation
	state  []byte
}

var _ ppp.Authenticator = (*passThrough)(nil)

// Start implements ppp.AuthExchange. It requests the peer's identity, with a random Identifier.
func (a *passThrough) Start(now time.Time, q *ppp.Queue) {
	var id [1]byte
	random.Fill(a.rand, id[:])
	a.identify(now, id[0], q)
}

func (a *passThrough) identify(now time.Time, id uint8, q *ppp.Queue) {
	a.phase, a.rounds, a.sent, a.state = identifying, 0, 0, nil
	a.newRequest(now, Packet{Code: Request, ID: id, Type: Identity}.Control(), q)
}

// Advance implements ppp.AuthExchange. Requests, also the server's, are retransmitted by us (RFC 3748
// section 4.3).
func (a *passThrough) Advance(now time.Time, q *ppp.Queue) ppp.Step {
	switch {
	case !a.isDue(now):
		return ppp.Step{}
	case a.phase == authenticated:
		a.identify(now, a.request.ID+1, q)
		return ppp.Step{}
	}
	return a.retransmit(now, q)
}

// Receive implements ppp.AuthExchange.
func (a *passThrough) Receive(now time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	p, answered, err := a.response(c, q)
	switch {
	case err != nil || answered:
		return ppp.Step{}, err
	case (p.Type == Identity) != (Type(a.request.Data[0]) == Identity): // else a peer could change its name (RFC 3748 section 2.1)
		return ppp.Step{}, ErrUnexpected
	}
	if a.rounds++; a.rounds > maxRounds {
		return a.end(now, a.outcome(false), "EAP takes too many Requests", q), nil
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
	outcome := a.outcome(result.Accepted)
	if len(result.Relayed) == 0 {
		return a.end(now, outcome, result.LogReason(), q)
	}
	relayed, err := ppp.ParseControl(result.Relayed)
	relayed.Data = bytes.Clone(relayed.Data)
	switch {
	case err != nil || len(result.Relayed) > maxPacket:
		return a.end(now, a.outcome(false), "the server's EAP packet has a wrong length", q)
	case relayed.Code == Request && !result.Accepted && len(relayed.Data) > 0:
		a.phase, a.sent, a.state = challenging, 0, result.State
		a.newRequest(now, relayed, q)
		return ppp.Step{}
	case relayed.Code == outcome.Code:
		return a.end(now, relayed, result.LogReason(), q)
	}
	return a.end(now, a.outcome(false), "the server's EAP packet contradicts its answer", q)
}
