package pap

import (
	"bytes"
	"time"

	"upppoe/ppp"
)

// Default messages of the verdict, in pppd's words.
const (
	granted = "Login ok"
	denied  = "Login incorrect"
)

// patience is how long to wait for a request: pppd's pap-timeout.
const patience = 30 * time.Second

// demand is the authenticator's side of an exchange.
type demand struct {
	timers ppp.AuthTimers

	judging  bool
	over     bool // without a verdict: the peer has sent no request in time
	request  []byte
	id       uint8 // of the last copy of it
	user     string
	verdict  ppp.Control // Code 0: none yet
	deadline time.Time
}

var _ ppp.Authenticator = (*demand)(nil)

func newDemand(x ppp.AuthenticatorConfig) *demand {
	return &demand{timers: x.Timers.WithDefaults(patience)}
}

// Protocol implements ppp.AuthExchange.
func (d *demand) Protocol() ppp.Protocol { return ppp.PAP }

// Deadline implements ppp.AuthExchange.
func (d *demand) Deadline() time.Time { return d.deadline }

// Start implements ppp.AuthExchange: the peer speaks first.
func (d *demand) Start(now time.Time, _ *ppp.Queue) {
	if d.timers.Timeout > 0 {
		d.deadline = now.Add(d.timers.Timeout)
	}
}

// Advance implements ppp.AuthExchange.
func (d *demand) Advance(now time.Time, _ *ppp.Queue) ppp.Step {
	if d.deadline.IsZero() || now.Before(d.deadline) {
		return ppp.Step{}
	}
	d.over, d.deadline = true, time.Time{}
	return ppp.Step{Outcome: ppp.Failed, Message: "peer does not send name and password"}
}

// Receive implements ppp.AuthExchange.
func (d *demand) Receive(_ time.Time, c ppp.Control, q *ppp.Queue) (ppp.Step, error) {
	switch {
	case c.Code != AuthenticateRequest:
		return ppp.Step{}, ppp.ErrRole
	case d.verdict.Code != 0:
		// RFC 1334 section 2.2.1: an Ack may be lost, and a repeated request
		// gets the same reply, whatever it holds.
		d.verdict.ID = c.ID
		q.Add(ppp.PAP, d.verdict)
		return ppp.Step{}, nil
	case d.judging && bytes.Equal(c.Data, d.request):
		d.id = c.ID // the verdict answers the newest copy
		return ppp.Step{}, nil
	case d.judging:
		return ppp.Step{}, ppp.ErrAuthPending
	case d.over:
		return ppp.Step{}, ppp.ErrStale
	}
	return d.examine(c)
}

func (d *demand) examine(c ppp.Control) (ppp.Step, error) {
	request := bytes.Clone(c.Data)
	r, err := ParseRequest(request)
	if err != nil {
		return ppp.Step{}, err
	}
	d.judging, d.request, d.deadline = true, request, time.Time{}
	d.id, d.user = c.ID, string(r.Name)
	return ppp.Step{
		Outcome: ppp.AwaitingResult, Name: d.user,
		Response: Credential{Name: d.user, Password: r.Password},
	}, nil
}

// SetResult implements ppp.Authenticator.
func (d *demand) SetResult(_ time.Time, decision ppp.AuthResult, q *ppp.Queue) ppp.Step {
	if !d.judging {
		return ppp.Step{}
	}
	d.judging, d.request = false, nil
	step := ppp.Step{Outcome: ppp.Failed, Name: d.user, Message: decision.LogReason()}
	code, message := AuthenticateNak, denied
	if decision.Accepted {
		step = ppp.Step{Outcome: ppp.Succeeded, Name: d.user}
		code, message = AuthenticateAck, granted
	}
	if decision.Message != "" {
		message = decision.Message
	}
	d.verdict = ppp.Control{Code: code, ID: d.id, Data: AppendMessage(nil, message)}
	q.Add(ppp.PAP, d.verdict)
	return step
}
