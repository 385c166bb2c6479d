package pap

import (
	"bytes"
	"time"

	"upppoe/ppp"
)

// Default messages of Authenticate-Ack and -Nak, in pppd's words.
const (
	defaultAck = "Login ok"
	defaultNak = "Login incorrect"
)

// defaultTimeout bounds the wait for a request, as pppd's pap-timeout does.
const defaultTimeout = 30 * time.Second

// authenticator is the authenticator's side of an exchange.
type authenticator struct {
	timers ppp.AuthTimers

	pending  bool // a request waits for the AuthResult
	timedOut bool // no request was received in time
	request  []byte
	id       uint8 // of the last copy of the request
	user     string
	reply    ppp.Control // Code 0: none yet
	deadline time.Time
}

var _ ppp.Authenticator = (*authenticator)(nil)

func newAuthenticator(cfg ppp.AuthenticatorConfig) *authenticator {
	return &authenticator{timers: cfg.Timers.WithDefaults(defaultTimeout)}
}

// Protocol implements ppp.AuthExchange.
func (a *authenticator) Protocol() ppp.Protocol { return ppp.PAP }

// Deadline implements ppp.AuthExchange.
func (a *authenticator) Deadline() time.Time { return a.deadline }

// Start implements ppp.AuthExchange. The peer sends the first packet.
func (a *authenticator) Start(now time.Time, _ *ppp.Queue) {
	if a.timers.Timeout > 0 {
		a.deadline = now.Add(a.timers.Timeout)
	}
}

// Advance implements ppp.AuthExchange.
func (a *authenticator) Advance(now time.Time, _ *ppp.Queue) ppp.Step {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return ppp.Step{}
	}
	a.timedOut, a.deadline = true, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Message: "no PAP Authenticate-Request from the peer"}
}

// Receive implements ppp.AuthExchange.
func (a *authenticator) Receive(_ time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch {
	case c.Code != AuthenticateRequest:
		return ppp.Step{}, ppp.ErrRole
	case a.reply.Code != 0:
		// RFC 1334 section 2.2.1: an Ack may be lost. A repeated request gets the same
		// reply, whatever it contains.
		a.reply.ID = c.ID
		q.Add(ppp.PAP, a.reply)
		return ppp.Step{}, nil
	case a.pending && bytes.Equal(c.Data, a.request):
		a.id = c.ID // the reply answers the latest copy
		return ppp.Step{}, nil
	case a.pending:
		return ppp.Step{}, ppp.ErrAuthPending
	case a.timedOut:
		return ppp.Step{}, ppp.ErrStale
	}
	return a.receiveRequest(c)
}

func (a *authenticator) receiveRequest(c ppp.Control) (ppp.Step, error) {
	request := bytes.Clone(c.Data)
	r, err := ParseRequest(request)
	if err != nil {
		return ppp.Step{}, err
	}
	a.pending, a.request, a.deadline = true, request, time.Time{}
	a.id, a.user = c.ID, string(r.Name)
	return ppp.Step{
		Outcome: ppp.AwaitingResult, Name: a.user,
		Response: Credential{Name: a.user, Password: r.Password},
	}, nil
}

// SetResult implements ppp.Authenticator.
func (a *authenticator) SetResult(_ time.Time, result ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if !a.pending {
		return ppp.Step{}
	}
	a.pending, a.request = false, nil
	step := ppp.Step{Outcome: ppp.Failed, Name: a.user, Message: result.LogReason()}
	code, message := AuthenticateNak, defaultNak
	if result.Accepted {
		step = ppp.Step{Outcome: ppp.Succeeded, Name: a.user}
		code, message = AuthenticateAck, defaultAck
	}
	if result.Message != "" {
		message = result.Message
	}
	a.reply = ppp.Control{Code: code, ID: a.id, Data: AppendMessage(nil, message)}
	q.Add(ppp.PAP, a.reply)
	return step
}
