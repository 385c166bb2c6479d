package ppp

import (
	"bytes"
	"time"
)

// The peer repeats a Configure-Request when our answer is late or lost, and lines double
// and delay frames. RFC 1661's table cannot tell such a copy from a new request: in Opened
// either takes the layer down. But section 5.1 can: "the Identifier field MUST be changed
// whenever the contents of the Options field changes, and whenever a valid reply has been
// received for a previous request". Same Identifier and same options are therefore the same
// request, and an answer to it changes nothing. These rules stand above the table.

// history is what the automaton knows of the peer's requests in one negotiation.
type history struct {
	id      uint8
	options []byte // of the last one answered
	some    bool   // there is one
	refused bool   // by Nak or Reject
	// Sums of those refused before it, the latest first: a peer whose wishes are refused
	// more often than that is hung up on.
	before [8]uint64

	copies int       // that have come to the open link
	since  time.Time // when the first of them came
}

// place is where a request stands in a history.
type place uint8

const (
	unknown place = iota // it is new
	last                 // it is the last one answered
	earlier              // it was refused, and others have been answered since
)

// sum is FNV-1a, 64 bit wide, and never zero. A peer that makes two of its own requests have
// the same one harms itself only.
func sum(id uint8, options []byte) uint64 {
	const prime = 1<<40 + 0x1b3
	h := (0xcbf29ce484222325 ^ uint64(id)) * prime
	for _, b := range options {
		h = (h ^ uint64(b)) * prime
	}
	return h | 1
}

func (h *history) forget() { *h = history{options: h.options[:0]} }

// find reports where a request stands.
func (h *history) find(c Control) place {
	switch {
	case !h.some:
		return unknown
	case c.ID == h.id && bytes.Equal(c.Data, h.options):
		return last
	}
	s := sum(c.ID, c.Data)
	for _, b := range h.before {
		if b == s {
			return earlier
		}
	}
	return unknown
}

// note keeps a request that is being answered, and reports whether it is the last one again.
func (h *history) note(c Control, refused bool) bool {
	again := h.find(c) == last
	if h.some && h.refused && !again {
		copy(h.before[1:], h.before[:])
		h.before[0] = sum(h.id, h.options)
	}
	h.id, h.options, h.some, h.refused = c.ID, append(h.options[:0], c.Data...), true, refused
	h.copies = 0
	return again
}

// receiveCopy handles a request that has had its answer, and reports whether that is all. The
// one that we acknowledged last is acknowledged again; one that was refused before gets no
// answer, which could only undo what has been agreed on since.
func (m *Automaton) receiveCopy(now time.Time, c Control, q *Queue) (done bool, err error) {
	of := unknown
	if m.state >= ReqSent { // else there is no negotiation, and the table says what to do
		of = m.peer.find(c)
	}
	acknowledged := of == last && !m.peer.refused && (m.state == AckSent || m.state == Opened)
	switch {
	case of != earlier && !acknowledged || m.stuck(now):
		return false, nil
	case of == earlier:
		return true, ErrSuperseded
	}
	m.code, m.answer = ConfigureAck, append(m.answer[:0], c.Data...)
	m.queueAnswer(c, q)
	return true, nil
}

// stuck counts a copy, and reports whether a peer that sends copies to an open link has to be
// helped: it has done so for as long as a peer may (Max-Configure times the Restart period),
// and as often, so that it is not our answer that it lacks, but a request of ours. One that
// has lost its state and draws no Magic-Number may begin anew with the same octets.
func (m *Automaton) stuck(now time.Time) bool {
	if m.state != Opened {
		return false
	}
	if m.peer.copies == 0 {
		m.peer.since = now
	}
	m.peer.copies++
	n := m.limits.MaxConfigure
	return m.peer.copies > n && now.Sub(m.peer.since) >= time.Duration(n)*m.limits.Restart
}

// overdue is after how long the answer to the first request is missed, where no more is known
// of the peer. Some concentrators send PADS before their session can receive, and a side may
// come up late: what is lost then would cost a whole Restart period, where the rest of a dial
// takes milliseconds. Later requests, and those of a link that is negotiated anew, go to a
// peer that is there.
const overdue = 250 * time.Millisecond

// expectAnswer has the last request repeated once, unless its answer comes in time. Neither
// the Restart timer nor its counter are concerned. To most peers a copy that comes after our
// Ack, when they are Opened, is a new request: where an answer is known to take long, it is
// given time.
func (m *Automaton) expectAnswer(now time.Time) {
	at := m.sent.Add(max(overdue, 2*m.limits.RoundTrip))
	if at.Before(now) {
		at = now
	}
	if at.Before(m.deadline) {
		m.deadline = at
	}
}

// answered notes a valid answer to the last request.
func (m *Automaton) answered() {
	m.awaiting = false
	m.deadline = m.restart
}

// repeatEarly sends the last request again before the Restart timer runs out.
func (m *Automaton) repeatEarly(now time.Time, q *Queue) {
	m.deadline = m.restart
	if m.awaiting {
		m.queueRequest(now, q)
	}
}

// hurry looks after our own request when the peer's first one comes: the peer is there, but
// may not have been when ours went out. If the answer is overdue, ours goes out at once, and
// before our answer: a peer that had received the first copy is still negotiating then, and
// just acknowledges twice.
func (m *Automaton) hurry(now time.Time, q *Queue) {
	if m.state != ReqSent || !m.awaiting || m.hurried {
		return
	}
	m.hurried = true
	if m.expectAnswer(now); !m.deadline.After(now) {
		m.repeatEarly(now, q)
	}
}
