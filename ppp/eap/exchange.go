package eap

import (
	"time"

	"upppoe/ppp"
)

// phase is the state of an authenticator.
type phase uint8

const (
	identifying    phase = iota // a Request for the identity has had no Response yet
	challenging                 // a Request of a method has had no Response yet
	authenticating              // a Response waits for the AuthResult
	authenticated               // the peer is authenticated
	failed                      // the peer is not authenticated, permanently
)

// exchange is what authenticators have in common: one Request at a time, its retransmission, and the
// Success or Failure at the end.
type exchange struct {
	timers   ppp.AuthTimers
	phase    phase
	request  ppp.Control // the last Request; Code 0: not started
	result   ppp.Control // the Success or Failure for the last Request; Code 0: none yet
	sent     int         // Requests without a Response that continues the exchange
	deadline time.Time
	identity string
	open     bool // the peer was authenticated before: the link may be open
}

// Protocol implements ppp.AuthExchange.
func (e *exchange) Protocol() ppp.Protocol { return ppp.EAP }

// Deadline implements ppp.AuthExchange.
func (e *exchange) Deadline() time.Time { return e.deadline }

// newRequest sends another Request.
func (e *exchange) newRequest(now time.Time, request ppp.Control, q *ppp.Queue) {
	e.request, e.result = request, ppp.Control{}
	e.sendRequest(now, q)
}

// sendRequest sends the Request, or sends it again with the same Identifier (RFC 3748 section 4.1).
func (e *exchange) sendRequest(now time.Time, q *ppp.Queue) {
	e.sent++
	e.deadline = now.Add(e.timers.Restart)
	q.Add(ppp.EAP, e.request)
}

func (e *exchange) isDue(now time.Time) bool {
	return !e.deadline.IsZero() && !now.Before(e.deadline)
}

// retransmit sends the Request again, unless it was sent often enough.
func (e *exchange) retransmit(now time.Time, q *ppp.Queue) ppp.Step {
	if e.sent < e.timers.MaxTransmit {
		e.sendRequest(now, q)
		return ppp.Step{}
	}
	e.phase, e.deadline = failed, time.Time{}
	return e.failure("no EAP Response from the peer")
}

// response returns the Response to the Request that has none yet. answered: it had one, and the result
// was sent again.
func (e *exchange) response(c ppp.Control, q *ppp.Queue) (p Packet, answered bool, err error) {
	p, err = ParsePacket(c)
	switch {
	case err != nil:
	case p.Code != Response:
		err = ppp.ErrRole
	case p.ID != e.request.ID || e.request.Code == 0:
		err = ppp.ErrStale
	case e.result.Code != 0:
		q.Add(ppp.EAP, e.result)
		answered = true
	case e.phase == authenticating:
		err = ppp.ErrAuthPending
	case e.phase != identifying && e.phase != challenging:
		err = ErrUnexpected
	}
	return p, answered, err
}

// end sends the Success or Failure, and keeps it for repeated Responses. why is the reason of a Failure.
func (e *exchange) end(now time.Time, result ppp.Control, why string, q *ppp.Queue) ppp.Step {
	e.result, e.phase, e.deadline = result, failed, time.Time{}
	q.Add(ppp.EAP, result)
	if result.Code != Success {
		return e.failure(why)
	}
	e.phase, e.open = authenticated, true
	if e.timers.Rechallenge > 0 {
		e.deadline = now.Add(e.timers.Rechallenge)
	}
	return ppp.Step{Outcome: ppp.Succeeded, Name: e.identity}
}

func (e *exchange) failure(why string) ppp.Step {
	return ppp.Step{Outcome: ppp.Failed, Name: e.identity, Message: why}
}

// outcome returns a Success or Failure with the Identifier of the Response (RFC 3748 section 4.2).
func (e *exchange) outcome(accepted bool) ppp.Control {
	if accepted {
		return ppp.Control{Code: Success, ID: e.request.ID}
	}
	return ppp.Control{Code: Failure, ID: e.request.ID}
}
