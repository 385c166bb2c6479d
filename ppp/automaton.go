package ppp

import (
	"math"
	"time"
)

// Automaton is the option negotiation automaton of RFC 1661 section 4, for one
// control protocol on one link. It is not safe for concurrent use. It must not be copied
// once Init has been called.
type Automaton struct {
	negotiator Negotiator
	limits     *NegotiationLimits
	roundTrip  time.Duration // NegotiationLimits.RoundTrip, or that of this peer

	exchange         *exchange // nil in states without the Restart timer
	peerRequests     history
	peerMRU          uint16
	state            State
	id               uint8 // the last Identifier of our requests and rejects
	requestID        uint8 // of the last Configure-Request
	requested        bool  // a request was sent since the layer below came up
	checkedOnRequest bool  // the peer's first request has made us check for an overdue answer
}

// exchange is what only states with the Restart timer need: thousands of automatons are in
// Opened for hours.
type exchange struct {
	restarts int       // the Restart counter
	deadline time.Time // when Advance must be called; zero: never
	restart  time.Time // when the Restart timer expires: the deadline, or later

	sent             time.Time // when the last Configure-Request was sent last
	awaiting         bool      // it has had no valid answer yet
	request          []byte    // its options: an Ack must contain the same
	naksSent         int       // Configure-Naks without a Configure-Ack between them
	rejectsSent      int       // Configure-Rejects without a Configure-Ack between them
	refusalsReceived int       // Configure-Naks and -Rejects received since the last Configure-Ack
	ackRcvdTimeouts  int       // timeouts in Ack-Rcvd: the peer acknowledges, and sends no request

	terminateReason string   // Data of our Terminate-Requests
	code            Code     // of the answer to the peer's request
	answer          []byte   // its options, valid during the step
	room            [32]byte // for the options of most requests
}

// NewAutomaton returns an automaton in state Initial. The limits are shared, and must not
// change.
func NewAutomaton(n Negotiator, l *NegotiationLimits) *Automaton {
	a := new(Automaton)
	a.Init(n, l)
	return a
}

// Init makes an automaton that is part of another struct one in state Initial, as
// NewAutomaton does.
func (a *Automaton) Init(n Negotiator, l *NegotiationLimits) {
	*a = Automaton{negotiator: n, limits: l, roundTrip: l.RoundTrip, peerMRU: 1500}
}

// Protocol returns the number of the control protocol.
func (a *Automaton) Protocol() Protocol { return a.negotiator.Protocol() }

// State returns the current state.
func (a *Automaton) State() State { return a.state }

// Deadline returns the time at which Advance must be called; zero: never.
func (a *Automaton) Deadline() time.Time {
	if a.exchange == nil {
		return time.Time{}
	}
	return a.exchange.deadline
}

// SetPeerMRU sets the longest information field that the peer can receive: Code-Rejects
// are truncated to it (RFC 1661 section 5.6).
func (a *Automaton) SetPeerMRU(mru int) { a.peerMRU = uint16(min(max(mru, 0), math.MaxUint16)) }

// SetRoundTrip replaces NegotiationLimits.RoundTrip, which many automatons share; zero changes nothing.
func (a *Automaton) SetRoundTrip(d time.Duration) {
	if d != 0 {
		a.roundTrip = d
	}
}

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
	if a.exchange != nil {
		a.exchange.terminateReason = "" // of an earlier Close
	}
	return a.step(open, now, Control{}, q)
}

// Close is the event Close: the protocol must close, or stay closed. The reason is the
// Data of our Terminate-Requests, a text for people.
func (a *Automaton) Close(now time.Time, reason string, q *Queue) Signal {
	a.beginExchange()
	a.exchange.terminateReason = reason
	return a.step(closing, now, Control{}, q)
}

// RejectedByPeer is the event RXJ- (RFC 1661 section 4.3): the peer has rejected this
// protocol.
func (a *Automaton) RejectedByPeer(now time.Time, q *Queue) Signal {
	return a.step(rxjBad, now, Control{}, q)
}

// Advance handles the timers that have expired at now.
func (a *Automaton) Advance(now time.Time, q *Queue) Signal {
	x := a.exchange
	if x == nil || x.deadline.IsZero() || now.Before(x.deadline) {
		return 0
	}
	if now.Before(x.restart) {
		a.retransmitEarly(now, q)
		return 0
	}
	expired := x.restarts <= 0
	if a.state == AckRcvd {
		x.ackRcvdTimeouts++ // each Ack resets the Restart counter, which would never expire
		expired = expired || x.ackRcvdTimeouts >= a.limits.maxConfigure()
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
	if a.state.hasTimer() {
		a.beginExchange()
	}
	a.perform(next.do, e, now, c, q)
	if !a.state.hasTimer() {
		a.exchange = nil
	}
	return signals(next.do)
}

func (a *Automaton) negotiating() bool { return a.state >= ReqSent && a.state <= AckSent }

// beginExchange begins an exchange, unless there is one. The Restart counter has its initial
// value, as it has in Opened (irc comes with every Configure-Ack).
func (a *Automaton) beginExchange() {
	if a.exchange == nil {
		a.exchange = &exchange{restarts: a.limits.maxConfigure()}
	}
}

// resetNegotiation discards what an earlier negotiation has left.
func (a *Automaton) resetNegotiation() {
	a.negotiator.Reset()
	a.exchange = nil
	a.beginExchange()
	a.peerRequests = history{}
}

func (a *Automaton) perform(do action, e event, now time.Time, c Control, q *Queue) {
	x := a.exchange // of these actions, only sta and scj occur without one
	if do&irc != 0 {
		x.restarts = a.limits.maxConfigure()
		if do&str != 0 {
			x.restarts = a.limits.maxTerminate()
		}
	}
	if do&zrc != 0 {
		x.restarts, x.restart = 0, now.Add(terminateWait)
		x.deadline = x.restart
	}
	if do&scr != 0 {
		a.sendRequest(now, e == timeout, q)
	}
	if do&str != 0 {
		q.Add(a.negotiator.Protocol(), Control{Code: TerminateRequest, ID: a.NextID(), Data: []byte(x.terminateReason)})
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
	x := a.exchange
	x.restarts--
	x.restart = now.Add(a.limits.restart())
	x.deadline = x.restart
}

// sendRequest sends a Configure-Request with our options. One that is retransmitted
// because it had no answer keeps its Identifier (RFC 1661 section 5.1).
func (a *Automaton) sendRequest(now time.Time, again bool, q *Queue) {
	x := a.exchange
	// In Ack-Rcvd the peer's request is missing. The peer may be Opened, and would take a new
	// Identifier for a new request; if the old one does not help, it must.
	if !again || !x.awaiting && x.ackRcvdTimeouts > a.limits.maxConfigure()/2 {
		a.requestID = a.NextID()
		x.request = a.negotiator.AppendRequest(x.room[:0])
	}
	x.awaiting = true
	a.queueRequest(now, q)
	a.startRestartTimer(now)
	if !a.requested {
		a.requested = true
		a.scheduleEarlyRetransmit(now)
	}
}

func (a *Automaton) queueRequest(now time.Time, q *Queue) {
	a.exchange.sent = now
	q.Add(a.negotiator.Protocol(), Control{Code: ConfigureRequest, ID: a.requestID, Data: a.exchange.request})
}

// sendCodeReject returns a packet with an unknown code, truncated to the peer's MRU (RFC
// 1661 section 5.6), with a new Identifier each time.
func (a *Automaton) sendCodeReject(c Control, q *Queue) {
	rejected := c.AppendTo(nil)
	room := max(int(a.peerMRU)-ControlHeaderLen, 0)
	data := rejected[:min(len(rejected), room)]
	q.Add(a.negotiator.Protocol(), Control{Code: CodeReject, ID: a.NextID(), Data: data})
}
