package ppp

import "time"

// Automaton is the option negotiation automaton of RFC 1661 section 4, for one
// control protocol on one link. It is not safe for concurrent use.
type Automaton struct {
	negotiator Negotiator
	limits     NegotiationLimits

	state    State
	restarts int       // the Restart counter
	deadline time.Time // when Advance must be called; zero: never
	restart  time.Time // when the Restart timer expires: the deadline, or later

	id               uint8     // the last Identifier of our requests and rejects
	requestID        uint8     // of the last Configure-Request
	sent             time.Time // when it was sent last
	awaiting         bool      // it has had no valid answer yet
	requested        bool      // a request was sent since the layer below came up
	checkedOnRequest bool      // the peer's first request has made us check for an overdue answer
	request          []byte    // options of the last Configure-Request: an Ack must contain the same
	peerRequests     history
	naksSent         int // Configure-Naks without a Configure-Ack between them
	rejectsSent      int // Configure-Rejects without a Configure-Ack between them
	refusalsReceived int // Configure-Naks and -Rejects received since the last Configure-Ack
	ackRcvdTimeouts  int // timeouts in Ack-Rcvd: the peer acknowledges, and sends no request

	terminateReason []byte // Data of our Terminate-Requests
	peerMRU         int
	code            Code   // of the answer to the peer's request
	answer          []byte // its options; reused
}

// NewAutomaton returns an automaton in state Initial.
func NewAutomaton(n Negotiator, l NegotiationLimits) *Automaton {
	return &Automaton{negotiator: n, limits: l.WithDefaults(), peerMRU: 1500}
}

// State returns the current state.
func (a *Automaton) State() State { return a.state }

// Deadline returns the time at which Advance must be called; zero: never.
func (a *Automaton) Deadline() time.Time { return a.deadline }

// SetPeerMRU sets the longest information field that the peer can receive: Code-Rejects
// are truncated to it (RFC 1661 section 5.6).
func (a *Automaton) SetPeerMRU(mru int) { a.peerMRU = mru }

// NextID returns an Identifier that differs from the one before it, for packets of the
// protocol that the automaton does not send itself.
func (a *Automaton) NextID() uint8 {
	a.id++
	return a.id
}

// Up is the event Up: the layer below is ready to carry packets.
func (a *Automaton) Up(now time.Time, q *Queue) Signal { return a.step(up, now, Control{}, q) }

// Down is the event Down: the layer below is no longer ready to carry packets.
func (a *Automaton) Down(now time.Time) Signal { return a.step(down, now, Control{}, nil) }

// Open is the event Open: the protocol is allowed to open.
func (a *Automaton) Open(now time.Time, q *Queue) Signal {
	a.terminateReason = nil // of an earlier Close
	return a.step(open, now, Control{}, q)
}

// Close is the event Close: the protocol must close, or stay closed. The reason is the
// Data of our Terminate-Requests, a text for people.
func (a *Automaton) Close(now time.Time, reason string, q *Queue) Signal {
	a.terminateReason = []byte(reason)
	return a.step(closing, now, Control{}, q)
}

// RejectedByPeer is the event RXJ- (RFC 1661 section 4.3): the peer has rejected this
// protocol.
func (a *Automaton) RejectedByPeer(now time.Time, q *Queue) Signal {
	return a.step(rxjBad, now, Control{}, q)
}

// Advance handles the timers that have expired at now.
func (a *Automaton) Advance(now time.Time, q *Queue) Signal {
	if a.deadline.IsZero() || now.Before(a.deadline) {
		return 0
	}
	if now.Before(a.restart) {
		a.retransmitEarly(now, q)
		return 0
	}
	expired := a.restarts <= 0
	if a.state == AckRcvd {
		a.ackRcvdTimeouts++ // each Ack resets the Restart counter, which would never expire
		expired = expired || a.ackRcvdTimeouts >= a.limits.MaxConfigure
	}
	if expired {
		return a.step(exhausted, now, Control{}, q)
	}
	return a.step(timeout, now, Control{}, q)
}

// step is the only function that changes the state.
func (a *Automaton) step(e event, now time.Time, c Control, q *Queue) Signal {
	next := transitions[e][a.state]
	if next.to == stateCount {
		return 0
	}
	if next.do&scr != 0 && !a.negotiating() && e != rcrGood && e != rcrBad {
		a.resetNegotiation()
		a.requested, a.checkedOnRequest = false, false
	}
	a.state = next.to
	a.perform(next.do, e, now, c, q)
	if !a.state.hasTimer() {
		a.deadline = time.Time{}
	}
	return signals(next.do)
}

func (a *Automaton) negotiating() bool { return a.state >= ReqSent && a.state <= AckSent }

// resetNegotiation discards what an earlier negotiation has left.
func (a *Automaton) resetNegotiation() {
	a.negotiator.Reset()
	a.naksSent, a.refusalsReceived, a.rejectsSent, a.ackRcvdTimeouts = 0, 0, 0, 0
	a.awaiting = false
	a.peerRequests.reset()
}

func (a *Automaton) perform(do action, e event, now time.Time, c Control, q *Queue) {
	if do&irc != 0 {
		a.restarts = a.limits.MaxConfigure
		if do&str != 0 {
			a.restarts = a.limits.MaxTerminate
		}
	}
	if do&zrc != 0 {
		a.restarts, a.restart = 0, now.Add(terminateWait)
		a.deadline = a.restart
	}
	if do&scr != 0 {
		a.sendRequest(now, e == timeout, q)
	}
	if do&str != 0 {
		q.Add(a.negotiator.Protocol(), Control{Code: TerminateRequest, ID: a.NextID(), Data: a.terminateReason})
		a.startRestartTimer(now)
	}
	if do&(sca|scn) != 0 {
		a.sendAnswer(c, q)
	}
	if do&sta != 0 {
		q.Add(a.negotiator.Protocol(), Control{Code: TerminateAck, ID: c.ID})
	}
	if do&scj != 0 {
		a.sendCodeReject(c, q)
	}
}

// startRestartTimer starts the Restart timer and decrements the Restart counter, when a
// Configure- or Terminate-Request is sent.
func (a *Automaton) startRestartTimer(now time.Time) {
	a.restarts--
	a.restart = now.Add(a.limits.Restart)
	a.deadline = a.restart
}

// sendRequest sends a Configure-Request with our options. One that is retransmitted
// because it had no answer keeps its Identifier (RFC 1661 section 5.1).
func (a *Automaton) sendRequest(now time.Time, again bool, q *Queue) {
	if again && (a.awaiting || a.ackRcvdTimeouts <= a.limits.MaxConfigure/2) {
		// In Ack-Rcvd the peer's request is missing. The peer may be Opened, and would take
		// a new Identifier for a new request; if the old one does not help, it must.
		a.awaiting = true
	} else {
		a.requestID = a.NextID()
		a.request = a.negotiator.AppendRequest(a.request[:0])
		a.awaiting = true
	}
	a.queueRequest(now, q)
	a.startRestartTimer(now)
	if !a.requested {
		a.requested = true
		a.scheduleEarlyRetransmit(now)
	}
}

func (a *Automaton) queueRequest(now time.Time, q *Queue) {
	a.sent = now
	q.Add(a.negotiator.Protocol(), Control{Code: ConfigureRequest, ID: a.requestID, Data: a.request})
}

// sendCodeReject returns a packet with an unknown code, truncated to the peer's MRU (RFC
// 1661 section 5.6), with a new Identifier each time.
func (a *Automaton) sendCodeReject(c Control, q *Queue) {
	a.answer = c.AppendTo(a.answer[:0])
	room := max(a.peerMRU-ControlHeaderLen, 0)
	data := a.answer[:min(len(a.answer), room)]
	q.Add(a.negotiator.Protocol(), Control{Code: CodeReject, ID: a.NextID(), Data: data})
}
