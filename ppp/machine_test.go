package ppp

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestNobodyAnswers: besides the repetition of the first request (TestEarlyRepetition), the
// timetable is RFC 1661's.
func TestNobodyAnswers(t *testing.T) {
	m := NewAutomaton(newNumbers(), Limits{})
	q := &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	at := []time.Duration{0}
	var s Signal
	var now time.Time
	for !m.Deadline().IsZero() {
		now = m.Deadline()
		before := q.Len()
		s |= m.Advance(now, q)
		if q.Len() > before {
			at = append(at, now.Sub(epoch))
		}
	}
	packets := sent(t, q)
	want := []time.Duration{0, overdue}
	for i := range time.Duration(9) {
		want = append(want, (i+1)*3*time.Second)
	}
	if !slices.Equal(at, want) || len(packets) != len(want) || s != LayerFinished || m.State() != Stopped || now.Sub(epoch) != 30*time.Second {
		t.Errorf("requests at %v, given up after %v with signal %v, state %v; want them at %v, 30 s, LayerFinished, Stopped", at, now.Sub(epoch), s, m.State(), want)
	}
	for _, c := range packets {
		if c.ID != packets[0].ID || !bytes.Equal(c.Data, packets[0].Data) {
			t.Errorf("a repetition differs: %v from %v", c, packets[0])
		}
	}
}

func TestAnswersThatDoNotCount(t *testing.T) {
	m := NewAutomaton(newNumbers(), Limits{})
	q := &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	id, request := m.requestID, slices.Clone(m.request)
	for _, c := range []struct {
		what string
		in   Control
		want error
	}{
		{"an Ack of another request", Control{ConfigureAck, id + 1, request}, ErrStale},
		{"a Nak of another request", Control{ConfigureNak, id + 1, request}, ErrStale},
		{"an Ack that lacks an option", Control{ConfigureAck, id, request[:3]}, ErrMismatch},
		{"an Ack of another value", Control{ConfigureAck, id, []byte{1, 3, 11, 2, 3, 20}}, ErrMismatch},
		{"an empty Nak", Control{ConfigureNak, id, nil}, ErrMismatch},
		{"a Reject of what was not asked for", Control{ConfigureReject, id, []byte{7, 3, 0}}, ErrMismatch},
		{"a Reject of another value", Control{ConfigureReject, id, []byte{1, 3, 11}}, ErrMismatch},
		{"a Reject in another order", Control{ConfigureReject, id, []byte{2, 3, 20, 1, 3, 10}}, ErrMismatch},
		{"a Nak cut short", Control{ConfigureNak, id, []byte{1, 3}}, ErrOptions},
		{"a Nak with an option twice", Control{ConfigureNak, id, []byte{1, 3, 0, 1, 3, 0}}, ErrDuplicateOption},
		{"a request cut short", Control{ConfigureRequest, 1, []byte{1, 9}}, ErrOptions},
		{"an empty Code-Reject", Control{CodeReject, 1, nil}, ErrShortControl},
	} {
		q.Reset()
		if s, err := m.Receive(epoch, c.in, q); err != c.want || s != 0 || q.Len() != 0 || m.State() != ReqSent {
			t.Errorf("%s: %v, signal %v, %d packets, state %v; want %v and nothing else", c.what, err, s, q.Len(), m.State(), c.want)
		}
	}
}

func TestNakThenReject(t *testing.T) {
	m, p := opened(t, Limits{})
	p.least = 100
	q := &Queue{}
	for i := range 7 {
		receive(t, m, Control{ConfigureRequest, uint8(i + 10), []byte{1, 3, 5, 9, 3, 1}}, q)
		answer := sent(t, q)
		got := answer[len(answer)-1]
		if got.Code != ConfigureReject || !bytes.Equal(got.Data, []byte{9, 3, 1}) {
			t.Fatalf("a request to be rejected and naked was answered by %v, want Reject, alone", got)
		}
	}
	for i := range 7 {
		receive(t, m, Control{ConfigureRequest, uint8(i + 20), []byte{1, 3, 5}}, q)
		answer := sent(t, q)
		got, want := answer[len(answer)-1], Control{ConfigureNak, uint8(i + 20), []byte{1, 3, 100}}
		if i >= 5 { // Max-Failure
			want = Control{ConfigureReject, uint8(i + 20), []byte{1, 3, 5}}
		}
		if got.Code != want.Code || !bytes.Equal(got.Data, want.Data) || got.ID != want.ID {
			t.Errorf("request %d was answered by %v, want %v", i, got, want)
		}
	}
}

// TestRepeatedOption: RFC 1661 section 5.4 has what is not recognizable rejected, however
// often it stands in a request; what we do know is acceptable once.
func TestRepeatedOption(t *testing.T) {
	m, _ := opened(t, Limits{})
	q := &Queue{}
	for _, c := range []struct {
		what     string
		in, want []byte
	}{
		{"an unknown option twice", []byte{9, 3, 1, 1, 3, 50, 9, 3, 2}, []byte{9, 3, 1, 9, 3, 2}},
		{"a known one twice", []byte{1, 3, 50, 2, 3, 50, 1, 3, 60}, []byte{1, 3, 60}},
	} {
		receive(t, m, Control{ConfigureRequest, 10, c.in}, q)
		answer := sent(t, q)
		if got := answer[len(answer)-1]; got.Code != ConfigureReject || !bytes.Equal(got.Data, c.want) {
			t.Errorf("%s is answered by %v, want a Reject of % x", c.what, got, c.want)
		}
	}
}

func TestEndlessNaks(t *testing.T) {
	m := NewAutomaton(newNumbers(), Limits{})
	q := &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	for n := byte(0); m.State() != Stopped; n++ {
		if n > 20 {
			t.Fatal("a peer that naks for ever keeps us busy for ever")
		}
		receive(t, m, Control{ConfigureNak, m.requestID, []byte{1, 3, n, 7, 3, n}}, q)
	}
}

// TestEndlessRequests: a peer that insists on what we reject.
func TestEndlessRequests(t *testing.T) {
	m := NewAutomaton(newNumbers(), Limits{})
	q := &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	for n := byte(0); m.State() != Stopped; n++ {
		if n > 20 {
			t.Fatal("a peer that insists for ever keeps us busy for ever")
		}
		receive(t, m, Control{ConfigureRequest, n, []byte{9, 3, 1}}, q)
	}
}

// TestNoRequestComes: a peer that acknowledges ours, and has none of its own.
func TestNoRequestComes(t *testing.T) {
	m := NewAutomaton(newNumbers(), Limits{MaxConfigure: 3})
	q := &Queue{}
	now, s := epoch, Signal(0)
	m.Open(now, q)
	m.Up(now, q)
	for acks := 0; m.State() != Stopped; acks++ {
		if acks > 3 {
			t.Fatal("it waits for ever")
		}
		receive(t, m, Control{ConfigureAck, m.requestID, m.request}, q)
		now = m.Deadline()
		s |= m.Advance(now, q)
	}
	if s != LayerFinished {
		t.Errorf("signal %v, want LayerFinished", s)
	}
}

func TestRenegotiation(t *testing.T) {
	m, p := opened(t, Limits{})
	p.ask[1] = 77 // what an earlier Nak had changed
	q := &Queue{}
	s := receive(t, m, Control{ConfigureRequest, 9, []byte{1, 3, 60}}, q)
	if s != LayerDown || m.State() != AckSent {
		t.Errorf("a request in Opened: signal %v, state %v; want LayerDown, Ack-Sent", s, m.State())
	}
	got := sent(t, q)
	if len(got) != 2 || got[0].Code != ConfigureRequest || !bytes.Equal(got[0].Data, []byte{1, 3, 10, 2, 3, 20}) || got[1].Code != ConfigureAck {
		t.Errorf("sent %v, want a request of our first wishes, and an Ack", got)
	}
}

func TestDuplicateAck(t *testing.T) {
	m, _ := opened(t, Limits{})
	if _, err := m.Receive(epoch, Control{ConfigureAck, m.requestID, m.request}, &Queue{}); err != ErrStale || m.State() != Opened {
		t.Errorf("the Ack of a repetition: %v, state %v; want ErrStale, Opened", err, m.State())
	}
}

func TestTerminate(t *testing.T) {
	m, _ := opened(t, Limits{})
	q := &Queue{}
	if s := m.Close(epoch, "enough", q); s != LayerDown {
		t.Errorf("Close signals %v, want LayerDown", s)
	}
	if got := sent(t, q); len(got) != 1 || got[0].Code != TerminateRequest || string(got[0].Data) != "enough" {
		t.Errorf("Close sends %v, want a Terminate-Request with the reason", got)
	}
	if s := receive(t, m, Control{TerminateAck, 200, nil}, q); s != LayerFinished || m.State() != Closed {
		t.Errorf("a Terminate-Ack, whatever its Identifier: signal %v, state %v; want LayerFinished, Closed", s, m.State())
	}

	m, _ = opened(t, Limits{})
	m.Close(epoch, "enough", q)
	now := epoch
	for !m.Deadline().IsZero() {
		now = m.Deadline()
		m.Advance(now, q)
	}
	if n := len(sent(t, q)); n != 2 || now.Sub(epoch) != 6*time.Second {
		t.Errorf("without an answer: %d Terminate-Requests in %v, want 2 in 6 s", n, now.Sub(epoch))
	}
}

func TestPeerTerminates(t *testing.T) {
	m, _ := opened(t, Limits{})
	q := &Queue{}
	if s := receive(t, m, Control{TerminateRequest, 33, nil}, q); s != LayerDown || m.State() != Stopping {
		t.Errorf("signal %v, state %v; want LayerDown, Stopping", s, m.State())
	}
	if got := sent(t, q); len(got) != 1 || got[0].Code != TerminateAck || got[0].ID != 33 {
		t.Errorf("answered by %v, want a Terminate-Ack of the same Identifier", got)
	}
	if s := m.Advance(epoch.Add(linger), q); s != LayerFinished || m.State() != Stopped {
		t.Errorf("after lingering: signal %v, state %v; want LayerFinished, Stopped", s, m.State())
	}
}

func TestCodeReject(t *testing.T) {
	m, _ := opened(t, Limits{})
	m.SetPeerMRU(16)
	q := &Queue{}
	receive(t, m, Control{99, 1, make([]byte, 40)}, q)
	receive(t, m, Control{99, 1, make([]byte, 40)}, q)
	got := sent(t, q)
	if len(got) != 2 || got[0].Code != CodeReject || ControlHeaderLen+len(got[0].Data) != 16 || got[0].ID == got[1].ID {
		t.Errorf("unknown codes are answered by %v, want Code-Rejects cut to 16 octets with different Identifiers", got)
	}
	if s := receive(t, m, Control{CodeReject, 1, []byte{99}}, q); s != 0 || m.State() != Opened {
		t.Errorf("a Code-Reject of something dispensable: signal %v, state %v; want none, Opened", s, m.State())
	}
	if s := receive(t, m, Control{CodeReject, 1, []byte{byte(ConfigureRequest)}}, q); s != LayerDown || m.State() != Stopping {
		t.Errorf("one of Configure-Request: signal %v, state %v; want LayerDown, Stopping", s, m.State())
	}
}

// TestTwoMachines lets two machines negotiate over a line that loses, doubles and
// mixes up packets: in the end both are open, or both have given up.
func TestTwoMachines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		loss := rapid.Float64Range(0, 0.4).Draw(t, "loss")
		p := [2]*numbers{newNumbers(), newNumbers()}
		p[0].first[9], p[1].least = 1, 15
		m := [2]*Automaton{NewAutomaton(p[0], Limits{MaxConfigure: 50}), NewAutomaton(p[1], Limits{MaxConfigure: 50})}
		q := [2]*Queue{{}, {}}
		var line [2][][]byte // what is on its way to each
		now := epoch
		pump := func() {
			for i := range q {
				for frame := range q[i].All() {
					for range 1 + chance.IntN(2) {
						if chance.Float64() >= loss {
							line[1-i] = append(line[1-i], slices.Clone(frame))
						}
					}
				}
				q[i].Reset()
			}
		}
		for i := range m {
			m[i].Open(now, q[i])
			m[i].Up(now, q[i])
		}
		pump()
		for range 5000 {
			i := chance.IntN(2)
			if len(line[i]) > 0 {
				k := chance.IntN(min(len(line[i]), 3))
				_, information, _ := ParseFrame(line[i][k])
				line[i] = slices.Delete(line[i], k, k+1)
				c, _ := ParseControl(information)
				m[i].Receive(now, c, q[i])
			} else if d := Earliest(m[0].Deadline(), m[1].Deadline()); len(line[1-i]) == 0 && !d.IsZero() {
				now = d
				m[0].Advance(now, q[0])
				m[1].Advance(now, q[1])
			}
			pump()
			for i := range m {
				if m[i].State().timed() == m[i].Deadline().IsZero() {
					t.Fatalf("state %v, deadline %v", m[i].State(), m[i].Deadline())
				}
			}
			if m[0].State() == Opened && m[1].State() == Opened && len(line[0])+len(line[1]) == 0 {
				if !bytes.Equal(p[0].agreed, m[1].request) || !bytes.Equal(p[1].agreed, m[0].request) {
					t.Fatal("the two have agreed on different things")
				}
				return
			}
		}
		t.Fatalf("after all, the states are %v and %v", m[0].State(), m[1].State())
	})
}

// FuzzMachine feeds a machine with whatever events and packets.
func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 2, 5, 1, 1, 0, 4})
	f.Fuzz(func(t *testing.T, script []byte) {
		m, q, now := NewAutomaton(newNumbers(), Limits{}), &Queue{}, epoch
		for len(script) > 0 {
			op := script[0]
			script = script[1:]
			switch op % 8 {
			case 0:
				m.Open(now, q)
			case 1:
				m.Up(now, q)
			case 2:
				m.Down(now)
			case 3:
				m.Close(now, "bye", q)
			case 4:
				now = now.Add(time.Second)
				m.Advance(now, q)
			case 5:
				m.Receive(now, Control{ConfigureAck, m.requestID, m.request}, q)
			default:
				n := min(int(op>>3), len(script))
				if c, err := ParseControl(script[:n]); err == nil {
					m.Receive(now, c, q)
				}
				script = script[n:]
			}
			if m.State().timed() == m.Deadline().IsZero() {
				t.Fatalf("state %v, deadline %v", m.State(), m.Deadline())
			}
			if q.Len() > 3 {
				t.Fatalf("one event made %d packets", q.Len())
			}
			q.Reset()
		}
	})
}
