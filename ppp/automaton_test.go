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

// TestNoAnswer: apart from the early retransmission of the first request (TestEarlyRetransmit), the
// times of requests are RFC 1661's.
func TestNoAnswer(t *testing.T) {
	a := NewAutomaton(newTestNegotiator(), &NegotiationLimits{})
	q := &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	at := []time.Duration{0}
	var s Signal
	var now time.Time
	for !a.Deadline().IsZero() {
		now = a.Deadline()
		before := q.Len()
		s |= a.Advance(now, q)
		if q.Len() > before {
			at = append(at, now.Sub(epoch))
		}
	}
	packets := sent(t, q)
	want := []time.Duration{0, earlyTimeout}
	for i := range time.Duration(9) {
		want = append(want, (i+1)*3*time.Second)
	}
	if !slices.Equal(at, want) || len(packets) != len(want) || s != LayerFinished || a.State() != Stopped || now.Sub(epoch) != 30*time.Second {
		t.Errorf("requests at %v, given up after %v with signal %v, state %v; want them at %v, 30 s, LayerFinished, Stopped", at, now.Sub(epoch), s, a.State(), want)
	}
	for _, c := range packets {
		if c.ID != packets[0].ID || !bytes.Equal(c.Data, packets[0].Data) {
			t.Errorf("a retransmission differs: %v from %v", c, packets[0])
		}
	}
}

func TestInvalidAnswers(t *testing.T) {
	a := NewAutomaton(newTestNegotiator(), &NegotiationLimits{})
	q := &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	id, request := a.requestID, slices.Clone(a.exchange.request)
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
		{"a Reject of an option that was not requested", Control{ConfigureReject, id, []byte{7, 3, 0}}, ErrMismatch},
		{"a Reject of another value", Control{ConfigureReject, id, []byte{1, 3, 11}}, ErrMismatch},
		{"a Reject in another order", Control{ConfigureReject, id, []byte{2, 3, 20, 1, 3, 10}}, ErrMismatch},
		{"a Nak cut short", Control{ConfigureNak, id, []byte{1, 3}}, ErrOptions},
		{"a Nak with an option twice", Control{ConfigureNak, id, []byte{1, 3, 0, 1, 3, 0}}, ErrDuplicateOption},
		{"a request cut short", Control{ConfigureRequest, 1, []byte{1, 9}}, ErrOptions},
		{"an empty Code-Reject", Control{CodeReject, 1, nil}, ErrShortControl},
	} {
		q.Reset()
		if s, err := a.Receive(epoch, c.in, q); err != c.want || s != 0 || q.Len() != 0 || a.State() != ReqSent {
			t.Errorf("%s: %v, signal %v, %d packets, state %v; want %v and nothing else", c.what, err, s, q.Len(), a.State(), c.want)
		}
	}
}

func TestNakThenReject(t *testing.T) {
	a, p := opened(t, NegotiationLimits{})
	p.minimum = 100
	q := &Queue{}
	for i := range 7 {
		receive(t, a, Control{ConfigureRequest, uint8(i + 10), []byte{1, 3, 5, 9, 3, 1}}, q)
		answer := sent(t, q)
		got := answer[len(answer)-1]
		if got.Code != ConfigureReject || !bytes.Equal(got.Data, []byte{9, 3, 1}) {
			t.Fatalf("a request with options to reject and to nak was answered by %v, want only a Reject", got)
		}
	}
	for i := range 7 {
		receive(t, a, Control{ConfigureRequest, uint8(i + 20), []byte{1, 3, 5}}, q)
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

// TestDuplicateOption: an unknown option is rejected each time that it is in a request (RFC 1661
// section 5.4); a known one is acceptable once.
func TestDuplicateOption(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{})
	q := &Queue{}
	for _, c := range []struct {
		what     string
		in, want []byte
	}{
		{"an unknown option twice", []byte{9, 3, 1, 1, 3, 50, 9, 3, 2}, []byte{9, 3, 1, 9, 3, 2}},
		{"a known one twice", []byte{1, 3, 50, 2, 3, 50, 1, 3, 60}, []byte{1, 3, 60}},
	} {
		receive(t, a, Control{ConfigureRequest, 10, c.in}, q)
		answer := sent(t, q)
		if got := answer[len(answer)-1]; got.Code != ConfigureReject || !bytes.Equal(got.Data, c.want) {
			t.Errorf("%s is answered by %v, want a Reject of % x", c.what, got, c.want)
		}
	}
}

// TestEndlessNaks: the negotiation with a peer that always naks ends.
func TestEndlessNaks(t *testing.T) {
	checkEnds(t, func(a *Automaton, n byte) Control {
		return Control{ConfigureNak, a.requestID, []byte{1, 3, n, 7, 3, n}}
	})
}

// TestEndlessRequests: the negotiation with a peer that insists on a rejected option ends.
func TestEndlessRequests(t *testing.T) {
	checkEnds(t, func(_ *Automaton, n byte) Control {
		return Control{ConfigureRequest, n, []byte{9, 3, 1}}
	})
}

// checkEnds checks that the negotiation with a peer that sends such packets ends.
func checkEnds(t *testing.T, packet func(a *Automaton, n byte) Control) {
	t.Helper()
	a := NewAutomaton(newTestNegotiator(), &NegotiationLimits{})
	q := &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	for n := byte(0); a.State() != Stopped; n++ {
		if n > 20 {
			t.Fatal("the negotiation never ends")
		}
		receive(t, a, packet(a, n), q)
	}
}

// TestNoRequestReceived: the negotiation with a peer that acknowledges our request and sends none
// ends.
func TestNoRequestReceived(t *testing.T) {
	a := NewAutomaton(newTestNegotiator(), &NegotiationLimits{MaxConfigure: 3})
	q := &Queue{}
	now, s := epoch, Signal(0)
	a.Open(now, q)
	a.Up(now, q)
	for acks := 0; a.State() != Stopped; acks++ {
		if acks > 3 {
			t.Fatal("it never ends")
		}
		receive(t, a, Control{ConfigureAck, a.requestID, a.exchange.request}, q)
		now = a.Deadline()
		s |= a.Advance(now, q)
	}
	if s != LayerFinished {
		t.Errorf("signal %v, want LayerFinished", s)
	}
}

func TestRenegotiation(t *testing.T) {
	a, p := opened(t, NegotiationLimits{})
	p.requested[1] = 77 // as changed by an earlier Nak
	q := &Queue{}
	s := receive(t, a, Control{ConfigureRequest, 9, []byte{1, 3, 60}}, q)
	if s != LayerDown || a.State() != AckSent {
		t.Errorf("a request in Opened: signal %v, state %v; want LayerDown, Ack-Sent", s, a.State())
	}
	got := sent(t, q)
	if len(got) != 2 || got[0].Code != ConfigureRequest || !bytes.Equal(got[0].Data, []byte{1, 3, 10, 2, 3, 20}) || got[1].Code != ConfigureAck {
		t.Errorf("sent %v, want a request of our initial options, and an Ack", got)
	}
}

func TestDuplicateAck(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{})
	if _, err := a.Receive(epoch, Control{ConfigureAck, a.requestID, []byte{1, 3, 10, 2, 3, 20}}, &Queue{}); err != ErrStale || a.State() != Opened {
		t.Errorf("the Ack of a retransmission: %v, state %v; want ErrStale, Opened", err, a.State())
	}
}

func TestTerminate(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{})
	q := &Queue{}
	if s := a.Close(epoch, "enough", q); s != LayerDown {
		t.Errorf("Close signals %v, want LayerDown", s)
	}
	if got := sent(t, q); len(got) != 1 || got[0].Code != TerminateRequest || string(got[0].Data) != "enough" {
		t.Errorf("Close sends %v, want a Terminate-Request with the reason", got)
	}
	if s := receive(t, a, Control{TerminateAck, 200, nil}, q); s != LayerFinished || a.State() != Closed {
		t.Errorf("a Terminate-Ack with another Identifier: signal %v, state %v; want LayerFinished, Closed", s, a.State())
	}

	a, _ = opened(t, NegotiationLimits{})
	a.Close(epoch, "enough", q)
	now := epoch
	for !a.Deadline().IsZero() {
		now = a.Deadline()
		a.Advance(now, q)
	}
	if n := len(sent(t, q)); n != 2 || now.Sub(epoch) != 6*time.Second {
		t.Errorf("without an answer: %d Terminate-Requests in %v, want 2 in 6 s", n, now.Sub(epoch))
	}
}

func TestPeerTerminates(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{})
	q := &Queue{}
	if s := receive(t, a, Control{TerminateRequest, 33, nil}, q); s != LayerDown || a.State() != Stopping {
		t.Errorf("signal %v, state %v; want LayerDown, Stopping", s, a.State())
	}
	if got := sent(t, q); len(got) != 1 || got[0].Code != TerminateAck || got[0].ID != 33 {
		t.Errorf("answered by %v, want a Terminate-Ack with the same Identifier", got)
	}
	if s := a.Advance(epoch.Add(terminateWait), q); s != LayerFinished || a.State() != Stopped {
		t.Errorf("after terminateWait: signal %v, state %v; want LayerFinished, Stopped", s, a.State())
	}
}

func TestCodeReject(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{})
	a.SetPeerMRU(16)
	q := &Queue{}
	receive(t, a, Control{99, 1, make([]byte, 40)}, q)
	receive(t, a, Control{99, 1, make([]byte, 40)}, q)
	got := sent(t, q)
	if len(got) != 2 || got[0].Code != CodeReject || ControlHeaderLen+len(got[0].Data) != 16 || got[0].ID == got[1].ID {
		t.Errorf("unknown codes are answered by %v, want Code-Rejects of 16 octets with different Identifiers", got)
	}
	if s := receive(t, a, Control{CodeReject, 1, []byte{99}}, q); s != 0 || a.State() != Opened {
		t.Errorf("a Code-Reject of an unknown code: signal %v, state %v; want none, Opened", s, a.State())
	}
	if s := receive(t, a, Control{CodeReject, 1, []byte{byte(ConfigureRequest)}}, q); s != LayerDown || a.State() != Stopping {
		t.Errorf("one of Configure-Request: signal %v, state %v; want LayerDown, Stopping", s, a.State())
	}
}

// TestTwoAutomatons: two automatons negotiate over a link that loses, duplicates and reorders
// packets. In the end both are open with the same options.
func TestTwoAutomatons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chance := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		loss := rapid.Float64Range(0, 0.4).Draw(t, "loss")
		p := [2]*testNegotiator{newTestNegotiator(), newTestNegotiator()}
		p[0].initial[9], p[1].minimum = 1, 15
		a := [2]*Automaton{NewAutomaton(p[0], &NegotiationLimits{MaxConfigure: 50}), NewAutomaton(p[1], &NegotiationLimits{MaxConfigure: 50})}
		q := [2]*Queue{{}, {}}
		var inFlight [2][][]byte // to each of them
		now := epoch
		pump := func() {
			for i := range q {
				for frame := range q[i].All() {
					for range 1 + chance.IntN(2) {
						if chance.Float64() >= loss {
							inFlight[1-i] = append(inFlight[1-i], slices.Clone(frame))
						}
					}
				}
				q[i].Reset()
			}
		}
		for i := range a {
			a[i].Open(now, q[i])
			a[i].Up(now, q[i])
		}
		pump()
		for range 5000 {
			i := chance.IntN(2)
			if len(inFlight[i]) > 0 {
				k := chance.IntN(min(len(inFlight[i]), 3))
				_, information, _ := ParseFrame(inFlight[i][k])
				inFlight[i] = slices.Delete(inFlight[i], k, k+1)
				c, _ := ParseControl(information)
				a[i].Receive(now, c, q[i])
			} else if d := Earliest(a[0].Deadline(), a[1].Deadline()); len(inFlight[1-i]) == 0 && !d.IsZero() {
				now = d
				a[0].Advance(now, q[0])
				a[1].Advance(now, q[1])
			}
			pump()
			for i := range a {
				if a[i].State().hasTimer() == a[i].Deadline().IsZero() {
					t.Fatalf("state %v, deadline %v", a[i].State(), a[i].Deadline())
				}
			}
			if a[0].State() == Opened && a[1].State() == Opened && len(inFlight[0])+len(inFlight[1]) == 0 {
				if !bytes.Equal(p[0].acknowledged, p[1].AppendRequest(nil)) || !bytes.Equal(p[1].acknowledged, p[0].AppendRequest(nil)) {
					t.Fatal("the two have agreed on different things")
				}
				return
			}
		}
		t.Fatalf("after all, the states are %v and %v", a[0].State(), a[1].State())
	})
}

// FuzzAutomaton passes arbitrary events and packets to an automaton.
func FuzzAutomaton(f *testing.F) {
	f.Add([]byte{0, 1, 2, 5, 1, 1, 0, 4})
	f.Fuzz(func(t *testing.T, script []byte) {
		a, q, now := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}, epoch
		for len(script) > 0 {
			op := script[0]
			script = script[1:]
			switch op % 8 {
			case 0:
				a.Open(now, q)
			case 1:
				a.Up(now, q)
			case 2:
				a.Down(now)
			case 3:
				a.Close(now, "bye", q)
			case 4:
				now = now.Add(time.Second)
				a.Advance(now, q)
			case 5:
				if a.exchange != nil {
					a.Receive(now, Control{ConfigureAck, a.requestID, a.exchange.request}, q)
				}
			default:
				n := min(int(op>>3), len(script))
				if c, err := ParseControl(script[:n]); err == nil {
					a.Receive(now, c, q)
				}
				script = script[n:]
			}
			if a.State().hasTimer() == a.Deadline().IsZero() {
				t.Fatalf("state %v, deadline %v", a.State(), a.Deadline())
			}
			if q.Len() > 3 {
				t.Fatalf("one event produced %d packets", q.Len())
			}
			q.Reset()
		}
	})
}
