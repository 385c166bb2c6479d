package ppp

import (
	"bytes"
	"testing"
	"time"
)

// TestDuplicateOfAcknowledged: each duplicate of the request that we have acknowledged gets the same
// Ack, and nothing changes; any other request is handled by RFC 1661's table.
func TestDuplicateOfAcknowledged(t *testing.T) {
	for _, c := range []struct {
		what      string
		in        Control
		duplicate bool
	}{
		{"the same octets", Control{ConfigureRequest, 1, []byte{1, 3, 50}}, true},
		{"another Identifier", Control{ConfigureRequest, 2, []byte{1, 3, 50}}, false},
		{"another value", Control{ConfigureRequest, 1, []byte{1, 3, 51}}, false},
		{"fewer options", Control{ConfigureRequest, 1, nil}, false},
	} {
		a, p := opened(t, NegotiationLimits{})
		p.acknowledged = nil // Acknowledged must not be called again
		q := &Queue{}
		for range 3 {
			s := receive(t, a, c.in, q)
			answers := sent(t, q)
			if c.duplicate {
				if s != 0 || a.State() != Opened || len(answers) != 1 || answers[0].Code != ConfigureAck || answers[0].ID != c.in.ID || !bytes.Equal(answers[0].Data, c.in.Data) || p.acknowledged != nil {
					t.Errorf("%s: signal %v, state %v, answers %v; want the same Ack and no change", c.what, s, a.State(), answers)
				}
				continue
			}
			if s != LayerDown || a.State() != AckSent || len(answers) != 2 {
				t.Errorf("%s: signal %v, state %v, answers %v; want LayerDown, Ack-Sent, a request and an Ack", c.what, s, a.State(), answers)
			}
			break
		}
	}
}

// TestDuplicateInAckSent: a duplicate of an acknowledged request is not evaluated again.
func TestDuplicateInAckSent(t *testing.T) {
	a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	request := Control{ConfigureRequest, 1, []byte{1, 3, 50}}
	receive(t, a, request, q)
	a.negotiator.(*testNegotiator).minimum = 100
	sent(t, q)
	receive(t, a, request, q)
	if got := sent(t, q); len(got) != 1 || got[0].Code != ConfigureAck || a.State() != AckSent {
		t.Errorf("answered by %v in state %v, want the same Ack", got, a.State())
	}
	request.ID++
	receive(t, a, request, q)
	if got := sent(t, q); len(got) != 1 || got[0].Code != ConfigureNak || a.State() != ReqSent {
		t.Errorf("a new request is answered by %v in state %v, want a Nak", got, a.State())
	}
}

// TestSuperseded: a request that arrives after a later one was answered changes nothing.
func TestSuperseded(t *testing.T) {
	a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	for id := range uint8(9) {
		receive(t, a, Control{ConfigureRequest, id, []byte{9, 3, id}}, q) // each is refused
	}
	receive(t, a, Control{ConfigureRequest, 9, nil}, q)
	sent(t, q)
	superseded := func(id uint8) error {
		_, err := a.Receive(epoch, Control{ConfigureRequest, id, []byte{9, 3, id}}, q)
		return err
	}
	for id := uint8(1); id < 9; id++ { // the eight that are recorded
		if err := superseded(id); err != ErrSuperseded || q.Len() != 0 || a.State() != AckSent {
			t.Errorf("request %d, superseded: %v, %d answers, state %v; want ErrSuperseded, none, Ack-Sent", id, err, q.Len(), a.State())
		}
	}
	receive(t, a, Control{ConfigureAck, a.requestID, a.exchange.request}, q)
	if err := superseded(8); err != ErrSuperseded || a.State() != Opened {
		t.Errorf("in Opened: %v, state %v; want ErrSuperseded, Opened", err, a.State())
	}
	if err := superseded(0); err != nil || a.State() != ReqSent {
		t.Errorf("one that is no longer recorded: %v, state %v; want a new negotiation", err, a.State())
	}
}

// TestHistoryEnds: after the layer below has gone down, an old request is not a duplicate.
func TestHistoryEnds(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{})
	q := &Queue{}
	a.Down(epoch)
	a.Up(epoch, q)
	sent(t, q)
	receive(t, a, Control{ConfigureAck, a.requestID, a.exchange.request}, q)
	if s := receive(t, a, Control{ConfigureRequest, 1, []byte{1, 3, 50}}, q); s != LayerUp || a.State() != Opened {
		t.Errorf("signal %v, state %v; want LayerUp, Opened", s, a.State())
	}
	// Nor is it one in a state without a negotiation.
	a, _ = opened(t, NegotiationLimits{})
	a.Close(epoch, "", q)
	receive(t, a, Control{TerminateAck, 1, nil}, q)
	sent(t, q)
	receive(t, a, Control{ConfigureRequest, 1, []byte{1, 3, 50}}, q)
	if got := sent(t, q); len(got) != 1 || got[0].Code != TerminateAck {
		t.Errorf("in Closed answered by %v, want a Terminate-Ack", got)
	}
}

// TestDuplicateOfRefused: duplicates of a refused request do not count towards Max-Failure.
func TestDuplicateOfRefused(t *testing.T) {
	a, p := opened(t, NegotiationLimits{})
	p.minimum = 100
	q := &Queue{}
	for range 50 {
		receive(t, a, Control{ConfigureRequest, 7, []byte{1, 3, 50}}, q)
		receive(t, a, Control{ConfigureRequest, 7, []byte{1, 3, 50}}, q)
	}
	for _, got := range sent(t, q) {
		if got.Code == ConfigureReject {
			t.Fatal("duplicates of one request count towards Max-Failure")
		}
	}
	for range 50 {
		receive(t, a, Control{ConfigureRequest, 8, []byte{9, 3, 1}}, q)
	}
	if a.State() != ReqSent {
		t.Errorf("after duplicates of a rejected request the state is %v, want Req-Sent", a.State())
	}
}

// TestPeerStuck: if a peer repeats its request too often and for too long, a new negotiation begins.
func TestPeerStuck(t *testing.T) {
	limits := NegotiationLimits{Restart: time.Second, MaxConfigure: 3}
	request := Control{ConfigureRequest, 1, []byte{1, 3, 50}}
	for _, c := range []struct {
		what string
		at   []time.Duration // since the first duplicate
		new  bool
	}{
		{"many at once", make([]time.Duration, 40), false},
		{"few", []time.Duration{0, time.Hour, 2 * time.Hour}, false},
		{"too early", []time.Duration{0, time.Second, 2 * time.Second, 3*time.Second - 1}, false},
		{"too many for too long", []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, true},
	} {
		a, _ := opened(t, limits)
		var all Signal
		for _, at := range c.at {
			s, err := a.Receive(epoch.Add(time.Hour+at), request, &Queue{})
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			all |= s
		}
		if begun := all == LayerDown && a.State() == AckSent; begun != c.new {
			t.Errorf("%s: signals %v, state %v; want a new negotiation: %v", c.what, all, a.State(), c.new)
		}
	}
}

// TestPeerStuckCounter: duplicates of an earlier request do not count for a new one.
func TestPeerStuckCounter(t *testing.T) {
	a, _ := opened(t, NegotiationLimits{Restart: time.Second, MaxConfigure: 3})
	q := &Queue{}
	at := func(since time.Duration, c Control) (s Signal) {
		s, err := a.Receive(epoch.Add(since), c, q)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for i := range 3 {
		at(time.Duration(i)*time.Second, Control{ConfigureRequest, 1, []byte{1, 3, 50}})
	}
	second := Control{ConfigureRequest, 2, []byte{1, 3, 50}}
	if s := at(10*time.Second, second); s != LayerDown || a.State() != AckSent {
		t.Fatalf("a new request: signal %v, state %v", s, a.State())
	}
	at(10*time.Second, Control{ConfigureAck, a.requestID, a.exchange.request})
	for i := range 3 {
		if s := at(time.Duration(20+i)*time.Second, second); s != 0 || a.State() != Opened {
			t.Errorf("duplicate %d of the new request: signal %v, state %v; want no change", i+1, s, a.State())
		}
	}
}
