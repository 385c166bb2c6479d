package ppp

import "time"

// Limits are the timer and the counters of the automaton (RFC 1661 section
// 4.6). A zero field stands for the default.
type Limits struct {
	Restart      time.Duration // between repetitions of a request; default 3 s
	MaxConfigure int           // Configure-Requests without an answer; default 10
	MaxTerminate int           // Terminate-Requests without an answer; default 2
	MaxFailure   int           // Configure-Naks before we reject instead; default 5
	// RoundTrip is how long an answer of this peer has taken before, if that is known: a
	// request is not repeated before the Restart timer runs out unless its answer takes twice
	// as long.
	RoundTrip time.Duration
}

// WithDefaults replaces what is left zero.
func (l Limits) WithDefaults() Limits {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	if l.Restart <= 0 {
		l.Restart = 3 * time.Second
	}
	def(&l.MaxConfigure, 10)
	def(&l.MaxTerminate, 2)
	def(&l.MaxFailure, 5)
	return l
}

// linger is how long a side that was asked to terminate stays to answer the
// peer's repetitions: the timeout that Zero-Restart-Count leaves to choose
// (RFC 1661 section 4.4).
const linger = time.Second

// Automaton is the option negotiation automaton of RFC 1661 section 4, for one
// control protocol on one link. It is not safe for concurrent use.
type Automaton struct {
	policy Negotiator
	limits Limits

	state    State
	restarts int       // the restart counter
	deadline time.Time // when Advance has something to do; zero: never
	restart  time.Time // when the Restart timer runs out: the deadline, or later

	id        uint8     // of the last packet that wanted a new one
	requestID uint8     // of the last Configure-Request
	sent      time.Time // when that was sent last
	awaiting  bool      // that request has had no valid answer yet
	begun     bool      // a request has gone out since the layer below came up
	hurried   bool      // the peer's first request has made us look for the answer to ours
	request   []byte    // its options: an Ack must hold the same
	peer      history   // the peer's requests
	naksSent  int       // Configure-Naks without a Configure-Ack between them
	refusals  int       // Naks and Rejects of ours since the last Ack
	// Configure-Rejects without a Configure-Ack between them; and how often the timer
	// ran out while the peer, which had acknowledged our request, sent none of its own.
	rejectsSent, waits int

	farewell []byte // Data of our Terminate-Requests
	peerMRU  int
	answer   []byte // scratch: the options of the answer to be sent
	code     Code   // and its code
}

// NewAutomaton makes a machine in state Initial.
func NewAutomaton(p Negotiator, l Limits) *Automaton {
	return &Automaton{policy: p, limits: l.WithDefaults(), peerMRU: 1500}
}

// State is the state now.
func (m *Automaton) State() State { return m.state }

// Deadline is when Advance wants to be called; zero: never.
func (m *Automaton) Deadline() time.Time { return m.deadline }

// SetPeerMRU tells what the peer can receive: Code-Rejects are cut to it
// (RFC 1661 section 5.6).
func (m *Automaton) SetPeerMRU(mru int) { m.peerMRU = mru }

// NextID is an Identifier that differs from the one before it, for packets
// of the protocol that the automaton does not send itself.
func (m *Automaton) NextID() uint8 {
	m.id++
	return m.id
}

// Up reports that the layer below can carry packets.
func (m *Automaton) Up(now time.Time, q *Queue) Signal { return m.step(up, now, Control{}, q) }

// Down reports that it cannot any more.
func (m *Automaton) Down(now time.Time) Signal { return m.step(down, now, Control{}, nil) }

// Open reports that the protocol is wanted.
func (m *Automaton) Open(now time.Time, q *Queue) Signal {
	m.farewell = nil // what an earlier Close said holds no more
	return m.step(open, now, Control{}, q)
}

// Close reports that it is not. The reason goes to the peer as the Data of
// Terminate-Requests, for people to read.
func (m *Automaton) Close(now time.Time, reason string, q *Queue) Signal {
	m.farewell = []byte(reason)
	return m.step(closing, now, Control{}, q)
}

// RejectedByPeer reports that the peer has rejected this very protocol: RXJ-, RFC
// 1661 section 4.3.
func (m *Automaton) RejectedByPeer(now time.Time, q *Queue) Signal {
	return m.step(rxjBad, now, Control{}, q)
}

// Advance does what is due at now.
func (m *Automaton) Advance(now time.Time, q *Queue) Signal {
	if m.deadline.IsZero() || now.Before(m.deadline) {
		return 0
	}
	if now.Before(m.restart) {
		m.repeatEarly(now, q)
		return 0
	}
	over := m.restarts <= 0
	if m.state == AckRcvd {
		m.waits++ // each Ack sets the counter anew, and would do so for ever
		over = over || m.waits >= m.limits.MaxConfigure
	}
	if over {
		return m.step(exhausted, now, Control{}, q)
	}
	return m.step(timeout, now, Control{}, q)
}

// step is the one place where the state changes.
func (m *Automaton) step(e event, now time.Time, c Control, q *Queue) Signal {
	next := grid[e][m.state]
	if next.to == stateCount {
		return 0
	}
	if next.do&scr != 0 && !m.negotiating() && e != rcrGood && e != rcrBad {
		m.begin()
		m.begun, m.hurried = false, false
	}
	m.state = next.to
	m.perform(next.do, e, now, c, q)
	if !m.state.timed() {
		m.deadline = time.Time{}
	}
	return signals(next.do)
}

func (m *Automaton) negotiating() bool { return m.state >= ReqSent && m.state <= AckSent }

// begin forgets an earlier negotiation.
func (m *Automaton) begin() {
	m.policy.Reset()
	m.naksSent, m.refusals, m.rejectsSent, m.waits = 0, 0, 0, 0
	m.awaiting = false
	m.peer.forget()
}

func (m *Automaton) perform(do action, e event, now time.Time, c Control, q *Queue) {
	if do&irc != 0 {
		m.restarts = m.limits.MaxConfigure
		if do&str != 0 {
			m.restarts = m.limits.MaxTerminate
		}
	}
	if do&zrc != 0 {
		m.restarts, m.restart = 0, now.Add(linger)
		m.deadline = m.restart
	}
	if do&scr != 0 {
		m.sendRequest(now, e == timeout, q)
	}
	if do&str != 0 {
		q.Add(m.policy.Protocol(), Control{Code: TerminateRequest, ID: m.NextID(), Data: m.farewell})
		m.count(now)
	}
	if do&(sca|scn) != 0 {
		m.sendAnswer(c, q)
	}
	if do&sta != 0 {
		q.Add(m.policy.Protocol(), Control{Code: TerminateAck, ID: c.ID})
	}
	if do&scj != 0 {
		m.sendCodeReject(c, q)
	}
}

// count starts the Restart timer and takes one from the counter, as sending
// a Configure- or Terminate-Request does.
func (m *Automaton) count(now time.Time) {
	m.restarts--
	m.restart = now.Add(m.limits.Restart)
	m.deadline = m.restart
}

// sendRequest sends our options. What is sent again, because no answer came,
// keeps its Identifier (RFC 1661 section 5.1).
func (m *Automaton) sendRequest(now time.Time, again bool, q *Queue) {
	if again && (m.awaiting || m.waits <= m.limits.MaxConfigure/2) {
		// What waits is the peer's request, in Ack-Rcvd: it may be Opened, and must not take
		// this for a new request. If that does not help, it must.
		m.awaiting = true
	} else {
		m.requestID = m.NextID()
		m.request = m.policy.AppendRequest(m.request[:0])
		m.awaiting = true
	}
	m.queueRequest(now, q)
	m.count(now)
	if !m.begun {
		m.begun = true
		m.expectAnswer(now)
	}
}

func (m *Automaton) queueRequest(now time.Time, q *Queue) {
	m.sent = now
	q.Add(m.policy.Protocol(), Control{Code: ConfigureRequest, ID: m.requestID, Data: m.request})
}

// sendCodeReject returns a packet of unknown code, cut to what the peer can
// receive (RFC 1661 section 5.6). The Identifier changes for each.
func (m *Automaton) sendCodeReject(c Control, q *Queue) {
	m.answer = c.AppendTo(m.answer[:0])
	room := max(m.peerMRU-ControlHeaderLen, 0)
	data := m.answer[:min(len(m.answer), room)]
	q.Add(m.policy.Protocol(), Control{Code: CodeReject, ID: m.NextID(), Data: data})
}

func signals(do action) (s Signal) {
	for _, of := range [...]struct {
		action action
		signal Signal
	}{{tld, LayerDown}, {tlu, LayerUp}, {tls, LayerStarted}, {tlf, LayerFinished}} {
		if do&of.action != 0 {
			s |= of.signal
		}
	}
	return s
}
