package ppp

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// TestIdentifierInAckRcvd: while the peer's request is missing, ours keeps its Identifier at first, so
// that a peer in Opened does not renegotiate; later it changes, so that it does.
func TestIdentifierInAckRcvd(t *testing.T) {
	a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	var ids []uint8
	for a.State() == ReqSent {
		receive(t, a, Control{ConfigureAck, a.requestID, a.exchange.request}, q)
		sent(t, q)
		a.Advance(a.Deadline(), q)
		for _, c := range sent(t, q) {
			ids = append(ids, c.ID)
		}
	}
	if want := []uint8{1, 1, 1, 1, 1, 2, 3, 4, 5}; !slices.Equal(ids, want) || a.State() != Stopped {
		t.Errorf("Identifiers %v, state %v; want %v and Stopped", ids, a.State(), want)
	}
}

// TestEarlyRetransmit: the first request is retransmitted early, once, if its answer is overdue.
func TestEarlyRetransmit(t *testing.T) {
	for _, c := range []struct {
		what string
		l    NegotiationLimits
		at   time.Duration // 0: not before the Restart timer expires
	}{
		{"by default", NegotiationLimits{}, 250 * time.Millisecond},
		{"with a fast peer", NegotiationLimits{RoundTrip: 125 * time.Millisecond}, 250 * time.Millisecond},
		{"with a slow peer", NegotiationLimits{RoundTrip: 126 * time.Millisecond}, 252 * time.Millisecond},
		{"with a very slow peer", NegotiationLimits{RoundTrip: 1500 * time.Millisecond}, 0},
		{"with a short Restart period", NegotiationLimits{Restart: 250 * time.Millisecond}, 0},
	} {
		a, q := NewAutomaton(newTestNegotiator(), &c.l), &Queue{}
		a.Open(epoch, q)
		a.Up(epoch, q)
		first := sent(t, q)
		restart := epoch.Add(a.limits.restart())
		if c.at != 0 {
			a.Advance(epoch.Add(c.at-1), q)
			if q.Len() != 0 {
				t.Errorf("%s: retransmitted before %v", c.what, c.at)
			}
			a.Advance(epoch.Add(c.at), q)
			if again := sent(t, q); len(again) != 1 || !equal(again[0], first[0]) {
				t.Errorf("%s: after %v sent %v, want the first request again", c.what, c.at, again)
			}
		}
		if !a.Deadline().Equal(restart) || a.exchange.restarts != a.limits.maxConfigure()-1 {
			t.Errorf("%s: the Restart timer expires at %v with the Restart counter %d, want %v and all but one", c.what, a.Deadline(), a.exchange.restarts, restart)
		}
	}
}

// equal reports whether two packets are equal.
func equal(a, b Control) bool { return bytes.Equal(a.AppendTo(nil), b.AppendTo(nil)) }

// TestAnswerInTime: an answer of any kind to the first request prevents its early retransmission, and
// later requests are never retransmitted early.
func TestAnswerInTime(t *testing.T) {
	for _, c := range []struct {
		what   string
		answer Control
		next   int // requests that follow at once
	}{
		{"an Ack", Control{ConfigureAck, 1, []byte{1, 3, 10, 2, 3, 20}}, 0},
		{"a Nak", Control{ConfigureNak, 1, []byte{1, 3, 11}}, 1},
		{"a Reject", Control{ConfigureReject, 1, []byte{1, 3, 10}}, 1},
	} {
		a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}
		a.Open(epoch, q)
		a.Up(epoch, q)
		sent(t, q)
		receive(t, a, c.answer, q)
		if got := sent(t, q); len(got) != c.next || !a.Deadline().Equal(epoch.Add(3*time.Second)) {
			t.Errorf("%s: sent %v, next at %v; want %d requests and 3 s", c.what, got, a.Deadline(), c.next)
		}
	}
	// Nor is a request of a renegotiation.
	a, _ := opened(t, NegotiationLimits{})
	receive(t, a, Control{ConfigureRequest, 2, nil}, &Queue{})
	if !a.Deadline().Equal(epoch.Add(3 * time.Second)) {
		t.Errorf("after renegotiation, a request is retransmitted at %v, want 3 s", a.Deadline())
	}
	// But the first one after Down and Up is.
	a.Down(epoch)
	a.Up(epoch, &Queue{})
	if !a.Deadline().Equal(epoch.Add(earlyTimeout)) {
		t.Errorf("after Down and Up the first request is retransmitted at %v, want %v", a.Deadline(), earlyTimeout)
	}
}

// TestPeerComesUpLate: when the peer's first request is received, an overdue request of ours is
// retransmitted at once, before our answer (see retransmitOverdue); a recent one is not.
func TestPeerComesUpLate(t *testing.T) {
	for _, c := range []struct {
		at   time.Duration // when the peer comes up
		copy time.Duration // when our request is retransmitted
		next time.Duration // the deadline after that
	}{
		{100 * time.Millisecond, 250 * time.Millisecond, 3 * time.Second},
		{400 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second},
		{500 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second},
		{2 * time.Second, 2 * time.Second, 3 * time.Second},
		{3100 * time.Millisecond, 3250 * time.Millisecond, 6 * time.Second},
	} {
		a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}
		a.Open(epoch, q)
		a.Up(epoch, q)
		for a.Deadline().Before(epoch.Add(c.at)) {
			a.Advance(a.Deadline(), q)
		}
		sent(t, q)
		now := epoch.Add(c.at)
		a.Receive(now, Control{ConfigureRequest, 5, nil}, q)
		if c.copy > c.at {
			if got := sent(t, q); len(got) != 1 || got[0].Code != ConfigureAck || !a.Deadline().Equal(epoch.Add(c.copy)) {
				t.Errorf("up at %v: sent %v, next at %v; want an Ack, and our request at %v", c.at, got, a.Deadline().Sub(epoch), c.copy)
			}
			a.Advance(epoch.Add(c.copy), q)
		}
		got := sent(t, q)
		if got[0].Code != ConfigureRequest || len(got) != 1 && got[1].Code != ConfigureAck || !a.Deadline().Equal(epoch.Add(c.next)) {
			t.Errorf("up at %v: at %v sent %v, next at %v; want our request first, and %v", c.at, c.copy, got, a.Deadline().Sub(epoch), c.next)
		}
		a.Receive(now, Control{ConfigureRequest, 6, nil}, q)
		if got := sent(t, q); len(got) != 1 || !a.Deadline().Equal(epoch.Add(c.next)) {
			t.Errorf("up at %v: its second request is answered by %v, next at %v; want only an Ack", c.at, got, a.Deadline().Sub(epoch))
		}
	}
}

// TestRetransmitOverdueOnce: only the peer's first request causes a retransmission of ours.
func TestRetransmitOverdueOnce(t *testing.T) {
	a, q := NewAutomaton(newTestNegotiator(), &NegotiationLimits{}), &Queue{}
	a.Open(epoch, q)
	a.Up(epoch, q)
	a.Advance(epoch.Add(earlyTimeout), q)
	for i, want := range []int{2, 1, 1} { // packets: our request and a Reject, then only a Reject
		sent(t, q)
		at := epoch.Add(time.Duration(i+2) * 600 * time.Millisecond)
		a.Receive(at, Control{ConfigureRequest, uint8(i), []byte{9, 3, 1}}, q)
		if got := sent(t, q); len(got) != want || !a.Deadline().Equal(epoch.Add(3*time.Second)) {
			t.Errorf("request %d is answered by %v, next at %v; want %d packets, and nothing before 3 s", i, got, a.Deadline().Sub(epoch), want)
		}
	}
}
