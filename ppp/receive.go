package ppp

import (
	"bytes"
	"errors"
	"time"
)

// Reasons for which Receive drops a packet.
var (
	ErrStale           = errors.New("ppp: answer to no request of ours that is still open")
	ErrMismatch        = errors.New("ppp: Configure-Ack, -Nak or -Reject does not match the request")
	ErrDuplicateOption = errors.New("ppp: Configure-Nak holds an option twice")
	ErrDown            = errors.New("ppp: control packet while the layer below is down")
	// ErrSuperseded: the peer has sent another request since, and has had an answer to that.
	ErrSuperseded = errors.New("ppp: Configure-Request that a later one has overtaken")
)

// Receive takes a control packet of the protocol. Codes beyond Code-Reject
// are unknown to the automaton: a protocol that has more (LCP) takes them
// before. An error says that the packet was dropped, and why; it has changed
// nothing.
func (m *Automaton) Receive(now time.Time, c Control, q *Queue) (Signal, error) {
	if m.state <= Starting {
		return 0, ErrDown
	}
	switch c.Code {
	case ConfigureRequest:
		return m.receiveRequest(now, c, q)
	case ConfigureAck:
		return m.receiveAck(now, c, q)
	case ConfigureNak, ConfigureReject:
		return m.receiveRefusal(now, c, q)
	case TerminateRequest:
		return m.step(rtr, now, c, q), nil
	case TerminateAck:
		// Some concentrators answer with another Identifier; the state
		// alone decides, as in the table.
		return m.step(rta, now, c, q), nil
	case CodeReject:
		return m.receiveCodeReject(now, c, q)
	}
	return m.step(ruc, now, c, q), nil
}

func (m *Automaton) receiveRequest(now time.Time, c Control, q *Queue) (Signal, error) {
	peer, err := ParseOptions(c.Data)
	if err != nil {
		return 0, err
	}
	if m.state == Closing || m.state == Stopping {
		return 0, nil
	}
	if done, err := m.receiveCopy(now, c, q); done {
		return 0, err
	}
	if m.state == Stopped || m.state == Opened {
		// RFC 1661 section 4.3: the negotiation begins anew (an LNS behind an
		// LAC does this), and the request is judged by fresh wishes.
		m.begin()
	}
	e := rcrBad
	if m.judge(peer) {
		e = rcrGood
	}
	if e == rcrBad && m.rejectsSent > 2*m.limits.MaxFailure {
		// A peer that insists for ever would keep both busy at wire speed.
		return m.step(exhausted, now, c, q), nil
	}
	m.hurry(now, q)
	return m.step(e, now, c, q), nil
}

// judge prepares the answer to a request and reports whether it is an Ack.
// Rejects go out first, alone (RFC 1661 section 5.4). No option that we know may
// be listed twice (section 6): what follows the first is rejected.
func (m *Automaton) judge(peer Options) bool {
	var naks, rejects []byte
	var seen [256]bool
	for o := range peer.All() {
		verdict, suggestion := Reject, o
		if !seen[o.Type] {
			verdict, suggestion = m.policy.Evaluate(o)
		}
		seen[o.Type] = true
		switch {
		case verdict == Nak && m.naksSent < m.limits.MaxFailure:
			naks = suggestion.AppendTo(naks)
		case verdict != Ack:
			rejects = o.AppendTo(rejects)
		}
	}
	if m.naksSent < m.limits.MaxFailure {
		naks = m.policy.AppendMissing(naks, peer)
	}
	switch {
	case len(rejects) > 0:
		m.code, m.answer = ConfigureReject, rejects
	case len(naks) > 0:
		m.code, m.answer = ConfigureNak, naks
	default:
		m.code, m.answer = ConfigureAck, append(m.answer[:0], peer...)
		return true
	}
	return false
}

func (m *Automaton) sendAnswer(c Control, q *Queue) {
	again := m.peer.note(c, m.code != ConfigureAck)
	switch {
	case m.code == ConfigureAck:
		m.naksSent, m.rejectsSent = 0, 0
		m.policy.Acknowledged(Options(m.answer))
	case again: // a copy of what was refused shows no more obstinacy than the first
	case m.code == ConfigureNak:
		m.naksSent++
	default:
		m.rejectsSent++
	}
	m.queueAnswer(c, q)
}

func (m *Automaton) queueAnswer(c Control, q *Queue) {
	q.Add(m.policy.Protocol(), Control{Code: m.code, ID: c.ID, Data: m.answer})
}

// current reports whether an answer is one to our last request, and the first:
// the peer may acknowledge every copy of a repeated request, and the second Ack
// must not count as a crossed connection. In the states that answer such
// packets without looking (Closed, Stopped) the automaton decides.
func (m *Automaton) current(c Control) bool {
	return m.state < Closing || m.awaiting && c.ID == m.requestID
}

func (m *Automaton) receiveAck(now time.Time, c Control, q *Queue) (Signal, error) {
	if !m.current(c) {
		return 0, ErrStale
	}
	if m.state >= ReqSent {
		// RFC 1661 section 5.2: the options of an Ack are those of the last
		// request, to the octet.
		if !bytes.Equal(c.Data, m.request) {
			return 0, ErrMismatch
		}
		m.refusals = 0
		m.answered()
	}
	return m.step(rca, now, c, q), nil
}

func (m *Automaton) receiveRefusal(now time.Time, c Control, q *Queue) (Signal, error) {
	if !m.current(c) {
		return 0, ErrStale
	}
	if m.state < ReqSent {
		return m.step(rcn, now, c, q), nil
	}
	refused, err := ParseOptions(c.Data)
	if err != nil {
		return 0, err
	}
	if len(refused) == 0 || c.Code == ConfigureReject && !m.subset(refused) {
		return 0, ErrMismatch
	}
	if refused.HasDuplicates() {
		return 0, ErrDuplicateOption // one suggestion would undo the other
	}
	m.refusals++
	if m.refusals > 2*m.limits.MaxFailure {
		// A peer that refuses for ever would keep both busy at wire speed.
		return m.step(exhausted, now, c, q), nil
	}
	m.learn(c.Code, refused)
	m.answered()
	return m.step(rcn, now, c, q), nil
}

// learn tells the policy what the peer refused. A peer that naks again and
// again is understood to reject (RFC 1661 section 4.6, Max-Failure, seen from
// the other side).
func (m *Automaton) learn(code Code, refused Options) {
	for o := range refused.All() {
		sent, ours := Options(m.request).Find(o.Type)
		switch {
		case code == ConfigureReject:
			m.policy.ReceivedReject(o)
		case m.refusals <= m.limits.MaxFailure:
			m.policy.ReceivedNak(o)
		case ours:
			m.policy.ReceivedReject(sent)
		}
	}
}

// subset reports whether rejected options stand in our last request, unchanged
// and in the same order (RFC 1661 section 5.4).
func (m *Automaton) subset(rejected Options) bool {
	rest := m.request
	for o := range rejected.All() {
		found := false
		for mine := range Options(rest).All() {
			rest = rest[2+len(mine.Value):]
			if mine.Type == o.Type && bytes.Equal(mine.Value, o.Value) {
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

// receiveCodeReject ends a protocol whose peer does not know the codes that it
// cannot do without.
func (m *Automaton) receiveCodeReject(now time.Time, c Control, q *Queue) (Signal, error) {
	if len(c.Data) < 1 {
		return 0, ErrShortControl
	}
	if rejected := Code(c.Data[0]); rejected >= ConfigureRequest && rejected <= CodeReject {
		return m.step(rxjBad, now, c, q), nil
	}
	return m.step(rxjGood, now, c, q), nil
}
