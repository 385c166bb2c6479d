package ppp

import (
	"slices"
	"testing"
)

// numbers is a policy with options of one octet: we ask for some, and judge the
// peer's by whether a value is high enough.
type numbers struct {
	first  map[uint8]byte // what we ask for in the beginning
	ask    map[uint8]byte
	least  byte // of the peer's values; less is naked
	reject uint8
	agreed Options
}

func newNumbers() *numbers {
	p := &numbers{first: map[uint8]byte{1: 10, 2: 20}, reject: 9}
	p.Reset()
	return p
}

func (p *numbers) Protocol() Protocol { return IPCP }

func (p *numbers) Reset() {
	p.ask = map[uint8]byte{}
	for typ, v := range p.first {
		p.ask[typ] = v
	}
}

func (p *numbers) AppendRequest(b []byte) []byte {
	for typ := range uint8(10) {
		if v, ok := p.ask[typ]; ok {
			b = Option{typ, []byte{v}}.AppendTo(b)
		}
	}
	return b
}

func (p *numbers) Evaluate(o Option) (Verdict, Option) {
	switch {
	case o.Type == p.reject || len(o.Value) != 1:
		return Reject, o
	case o.Value[0] < p.least:
		return Nak, Option{o.Type, []byte{p.least}}
	}
	return Ack, o
}

func (p *numbers) AppendMissing(b []byte, _ Options) []byte { return b }
func (p *numbers) Acknowledged(peer Options)                { p.agreed = slices.Clone(peer) }

func (p *numbers) ReceivedNak(o Option) {
	if len(o.Value) == 1 {
		p.ask[o.Type] = o.Value[0]
	}
}

func (p *numbers) ReceivedReject(o Option) { delete(p.ask, o.Type) }

// opened is a machine that is Opened, and its policy.
func opened(t *testing.T, l Limits) (*Automaton, *numbers) {
	t.Helper()
	p := newNumbers()
	m := NewAutomaton(p, l)
	q := &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	receive(t, m, Control{ConfigureRequest, 1, []byte{1, 3, 50}}, q)
	s := receive(t, m, Control{ConfigureAck, m.requestID, m.request}, q)
	if s != LayerUp || m.State() != Opened {
		t.Fatalf("the machine is %v, signal %v; want Opened", m.State(), s)
	}
	return m, p
}

func receive(t *testing.T, m *Automaton, c Control, q *Queue) Signal {
	t.Helper()
	s, err := m.Receive(epoch, c, q)
	if err != nil {
		t.Fatalf("code %d: %v", c.Code, err)
	}
	return s
}

// sent returns the packets in a queue, and empties it.
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
