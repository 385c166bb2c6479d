package ppp

import (
	"bytes"
	"errors"
	"time"
)

// Reasons why Receive drops a packet.
var (
	ErrStale           = errors.New("ppp: answer to a request that is not outstanding")
	ErrMismatch        = errors.New("ppp: Configure-Ack, -Nak or -Reject does not match the request")
	ErrDuplicateOption = errors.New("ppp: Configure-Nak contains an option twice")
	ErrDown            = errors.New("ppp: control packet while the layer below is down")
	// ErrSuperseded reports a Configure-Request that is older than one already answered.
	ErrSuperseded = errors.New("ppp: Configure-Request superseded by a later one")
)

// Receive handles a control packet of the protocol. Codes above Code-Reject are unknown
// to the automaton: a protocol with more codes (LCP) handles them itself. An error
// reports that the packet was dropped, and why; a dropped packet has no other effect.
func (a *Automaton) Receive(now time.Time, c Control, q *Queue) (Signal, error) {
	if a.state <= Starting {
		return 0, ErrDown
	}
	switch c.Code {
	case ConfigureRequest:
		return a.receiveRequest(now, c, q)
	case ConfigureAck:
		return a.receiveAck(now, c, q)
	case ConfigureNak, ConfigureReject:
		return a.receiveNakOrReject(now, c, q)
	case TerminateRequest:
		return a.step(rtr, now, c, q), nil
	case TerminateAck:
		// Some concentrators answer with another Identifier: it is not checked, as in the
		// table.
		return a.step(rta, now, c, q), nil
	case CodeReject:
		return a.receiveCodeReject(now, c, q)
	}
	return a.step(ruc, now, c, q), nil
}

func (a *Automaton) receiveRequest(now time.Time, c Control, q *Queue) (Signal, error) {
	peer, err := ParseOptions(c.Data)
	if err != nil {
		return 0, err
	}
	if a.state == Closing || a.state == Stopping {
		return 0, nil
	}
	if done, err := a.receiveDuplicate(now, c, q); done {
		return 0, err
	}
	if a.state == Stopped || a.state == Opened {
		// RFC 1661 section 4.3: the negotiation begins again, with our initial options. An
		// LNS behind an LAC does this.
		a.resetNegotiation()
	}
	a.beginExchange() // in Closed, where the answer is Terminate-Ack, there is none
	e := rcrBad
	if a.evaluate(peer) {
		e = rcrGood
	}
	if e == rcrBad && a.exchange.rejectsSent > 2*a.limits.maxFailure() {
		// Without this bound, an insistent peer would keep both sides busy at wire speed.
		return a.step(exhausted, now, c, q), nil
	}
	a.retransmitOverdue(now, q)
	return a.step(e, now, c, q), nil
}

// evaluate prepares the answer to a request and reports whether it is an Ack.
// Rejects are sent first, alone (RFC 1661 section 5.4). An option that we know may not be
// listed twice (section 6): all but the first are rejected.
func (a *Automaton) evaluate(peer Options) bool {
	x, mayNak := a.exchange, a.exchange.naksSent < a.limits.maxFailure()
	var naks, rejects []byte
	var seen [256]bool
	for o := range peer.All() {
		verdict, suggestion := Reject, o
		if !seen[o.Type] {
			verdict, suggestion = a.negotiator.Evaluate(o)
		}
		seen[o.Type] = true
		switch {
		case verdict == Nak && mayNak:
			naks = suggestion.AppendTo(naks)
		case verdict != Ack:
			rejects = o.AppendTo(rejects)
		}
	}
	if mayNak {
		naks = a.negotiator.AppendMissing(naks, peer)
	}
	switch {
	case len(rejects) > 0:
		x.code, x.answer = ConfigureReject, rejects
	case len(naks) > 0:
		x.code, x.answer = ConfigureNak, naks
	default:
		x.code, x.answer = ConfigureAck, peer
		return true
	}
	return false
}

func (a *Automaton) sendAnswer(c Control, q *Queue) {
	x := a.exchange
	again := a.peerRequests.record(c, x.code != ConfigureAck)
	switch {
	case x.code == ConfigureAck:
		x.naksSent, x.rejectsSent = 0, 0
		a.negotiator.Acknowledged(Options(x.answer))
	case again: // a duplicate does not count
	case x.code == ConfigureNak:
		x.naksSent++
	default:
		x.rejectsSent++
	}
	q.Add(a.negotiator.Protocol(), Control{Code: x.code, ID: c.ID, Data: x.answer})
}

// answersRequest reports whether a packet is the first answer to our last request. The
// peer may acknowledge every copy of a retransmitted request, and the second Ack must not
// count as a crossed connection. In Closed and Stopped the table answers every packet.
func (a *Automaton) answersRequest(c Control) bool {
	return a.state < Closing || a.exchange != nil && a.exchange.awaiting && c.ID == a.requestID
}

func (a *Automaton) receiveAck(now time.Time, c Control, q *Queue) (Signal, error) {
	if !a.answersRequest(c) {
		return 0, ErrStale
	}
	if a.state >= ReqSent {
		// RFC 1661 section 5.2: the options of an Ack equal those of the last request.
		if !bytes.Equal(c.Data, a.exchange.request) {
			return 0, ErrMismatch
		}
		a.exchange.refusalsReceived = 0
		a.requestAnswered()
	}
	return a.step(rca, now, c, q), nil
}

func (a *Automaton) receiveNakOrReject(now time.Time, c Control, q *Queue) (Signal, error) {
	if !a.answersRequest(c) {
		return 0, ErrStale
	}
	if a.state < ReqSent {
		return a.step(rcn, now, c, q), nil
	}
	refused, err := ParseOptions(c.Data)
	if err != nil {
		return 0, err
	}
	if len(refused) == 0 || c.Code == ConfigureReject && !a.isSubset(refused) {
		return 0, ErrMismatch
	}
	if refused.HasDuplicates() {
		return 0, ErrDuplicateOption // one suggestion would override the other
	}
	a.exchange.refusalsReceived++
	if a.exchange.refusalsReceived > 2*a.limits.maxFailure() {
		// Without this bound, a peer that always refuses would keep both sides busy at wire
		// speed.
		return a.step(exhausted, now, c, q), nil
	}
	a.applyRefusal(c.Code, refused)
	a.requestAnswered()
	return a.step(rcn, now, c, q), nil
}

// applyRefusal passes the refused options to the negotiator. After Max-Failure Naks the
// peer is assumed to reject (RFC 1661 section 4.6, applied to the other side).
func (a *Automaton) applyRefusal(code Code, refused Options) {
	for o := range refused.All() {
		sent, requested := Options(a.exchange.request).Find(o.Type)
		switch {
		case code == ConfigureReject:
			a.negotiator.ReceivedReject(o)
		case a.exchange.refusalsReceived <= a.limits.maxFailure():
			a.negotiator.ReceivedNak(o)
		case requested:
			a.negotiator.ReceivedReject(sent)
		}
	}
}

// isSubset reports whether the rejected options are in our last request, unchanged and in
// the same order (RFC 1661 section 5.4).
func (a *Automaton) isSubset(rejected Options) bool {
	rest := a.exchange.request
	for o := range rejected.All() {
		found := false
		for sent := range Options(rest).All() {
			rest = rest[2+len(sent.Value):]
			if sent.Type == o.Type && bytes.Equal(sent.Value, o.Value) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// receiveCodeReject closes the protocol if the peer does not know a code that is
// required.
func (a *Automaton) receiveCodeReject(now time.Time, c Control, q *Queue) (Signal, error) {
	if len(c.Data) < 1 {
		return 0, ErrShortControl
	}
	if rejected := Code(c.Data[0]); rejected >= ConfigureRequest && rejected <= CodeReject {
		return a.step(rxjBad, now, c, q), nil
	}
	return a.step(rxjGood, now, c, q), nil
}
