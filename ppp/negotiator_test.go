package ppp

import (
	"slices"
	"testing"
)

// testNegotiator has options of one octet: it requests some, and naks the peer's if their
// value is below a minimum.
type testNegotiator struct {
	initial      map[uint8]byte // options that we request at first
	requested    map[uint8]byte
	minimum      byte // of the peer's values; lower ones get a Nak
	rejected     uint8
	acknowledged Options
}

func newTestNegotiator() *testNegotiator {
	n := &testNegotiator{initial: map[uint8]byte{1: 10, 2: 20}, rejected: 9}
	n.Reset()
	return n
}

func (n *testNegotiator) Protocol() Protocol { return IPCP }

func (n *testNegotiator) Reset() {
	n.requested = map[uint8]byte{}
	for typ, v := range n.initial {
		n.requested[typ] = v
	}
}

func (n *testNegotiator) AppendRequest(b []byte) []byte {
	for typ := range uint8(10) {
		if v, ok := n.requested[typ]; ok {
			b = Option{typ, []byte{v}}.AppendTo(b)
		}
	}
	return b
}

func (n *testNegotiator) Evaluate(o Option) (Verdict, Option) {
	switch {
	case o.Type == n.rejected || len(o.Value) != 1:
		return Reject, o
	case o.Value[0] < n.minimum:
		return Nak, Option{o.Type, []byte{n.minimum}}
	}
	return Ack, o
}

func (n *testNegotiator) AppendMissing(b []byte, _ Options) []byte { return b }
func (n *testNegotiator) Acknowledged(peer Options)                { n.acknowledged = slices.Clone(peer) }

func (n *testNegotiator) ReceivedNak(o Option) {
	if len(o.Value) == 1 {
		n.requested[o.Type] = o.Value[0]
	}
}

func (n *testNegotiator) ReceivedReject(o Option) { delete(n.requested, o.Type) }

// opened returns an automaton in state Opened, and its negotiator.
func opened(t *testing.T, l NegotiationLimits) (*Automaton, *testNegotiator) {
	t.Helper()
	p := newTestNegotiator()
	a := NewAutomaton(p, &l)
	q := &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	receive(t, a, Control{ConfigureRequest, 1, []byte{1, 3, 50}}, q)
	s := receive(t, a, Control{ConfigureAck, a.requestID, a.exchange.request}, q)
	if s != LayerUp || a.State() != Opened {
		t.Fatalf("the automaton is %v, signal %v; want Opened", a.State(), s)
	}
	return a, p
}

func receive(t *testing.T, a *Automaton, c Control, q *Queue) Signal {
	t.Helper()
	s, err := a.Receive(epoch, c, q)
	if err != nil {
		t.Fatalf("code %d: %v", c.Code, err)
	}
	return s
}

// sent returns the packets in a queue and empties it.
func sent(t *testing.T, q *Queue) (all []Control) {
	t.Helper()
	for frame := range q.All() {
		_, information, err := ParseFrame(frame)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseControl(information)
		if err != nil {
			t.Fatal(err)
		}
		c.Data = slices.Clone(c.Data)
		all = append(all, c)
	}
	q.Reset()
	return all
}
