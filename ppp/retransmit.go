package ppp

import "time"

// earlyTimeout is how long the first request waits for its answer before it is
// retransmitted early, where RoundTrip is not known. Some concentrators send PADS before
// their session can receive, and a peer may come up late: a request that is lost then would
// cost a whole Restart period, while the rest of a dial takes milliseconds. Later requests,
// and those of a renegotiation, go to a peer that is known to be up.
const earlyTimeout = 250 * time.Millisecond

// scheduleEarlyRetransmit schedules one early retransmission of the last request, unless
// its answer comes in time. It does not change the Restart timer and its counter. Most
// peers take a copy that they receive in Opened, after our Ack, for a new request: a peer
// known to be slow gets more time.
func (a *Automaton) scheduleEarlyRetransmit(now time.Time) {
	x := a.exchange
	at := x.sent.Add(max(earlyTimeout, 2*a.roundTrip))
	if at.Before(now) {
		at = now
	}
	if at.Before(x.deadline) {
		x.deadline = at
	}
}

// requestAnswered records a valid answer to the last request.
func (a *Automaton) requestAnswered() {
	a.exchange.awaiting = false
	a.exchange.deadline = a.exchange.restart
}

// retransmitEarly sends the last request again before the Restart timer expires.
func (a *Automaton) retransmitEarly(now time.Time, q *Queue) {
	a.exchange.deadline = a.exchange.restart
	if a.exchange.awaiting {
		a.queueRequest(now, q)
	}
}

// retransmitOverdue checks our own request when the peer's first one is received: the peer
// is up, but may not have been when ours was sent. If the answer is overdue, our request is
// sent at once, before our answer: a peer that had received the first copy is still
// negotiating, and only acknowledges twice.
func (a *Automaton) retransmitOverdue(now time.Time, q *Queue) {
	if a.state != ReqSent || !a.exchange.awaiting || a.checkedOnRequest {
		return
	}
	a.checkedOnRequest = true
	if a.scheduleEarlyRetransmit(now); !a.exchange.deadline.After(now) {
		a.retransmitEarly(now, q)
	}
}
