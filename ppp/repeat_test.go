package ppp

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// TestAcknowledgedAgain: the request that we have acknowledged gets the same Ack however often
// it comes, and nothing changes; any other one does what RFC 1661's table says.
func TestAcknowledgedAgain(t *testing.T) {
	for _, c := range []struct {
		what string
		in   Control
		copy bool
	}{
		{"the same octets", Control{ConfigureRequest, 1, []byte{1, 3, 50}}, true},
		{"another Identifier", Control{ConfigureRequest, 2, []byte{1, 3, 50}}, false},
		{"another value", Control{ConfigureRequest, 1, []byte{1, 3, 51}}, false},
		{"fewer options", Control{ConfigureRequest, 1, nil}, false},
	} {
		m, p := opened(t, Limits{})
		p.agreed = nil // Agreed must not be called again
		q := &Queue{}
		for range 3 {
			s := receive(t, m, c.in, q)
			answers := sent(t, q)
			if c.copy {
				if s != 0 || m.State() != Opened || len(answers) != 1 || answers[0].Code != ConfigureAck || answers[0].ID != c.in.ID || !bytes.Equal(answers[0].Data, c.in.Data) || p.agreed != nil {
					t.Errorf("%s: signal %v, state %v, answers %v; want the same Ack and no change", c.what, s, m.State(), answers)
				}
				continue
			}
			if s != LayerDown || m.State() != AckSent || len(answers) != 2 {
				t.Errorf("%s: signal %v, state %v, answers %v; want LayerDown, Ack-Sent, a request and an Ack", c.what, s, m.State(), answers)
			}
			break
		}
	}
}

// TestAcknowledgedAgainInAckSent: what has been agreed to is not judged by other wishes then.
func TestAcknowledgedAgainInAckSent(t *testing.T) {
	m, q := NewAutomaton(newNumbers(), Limits{}), &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	request := Control{ConfigureRequest, 1, []byte{1, 3, 50}}
	receive(t, m, request, q)
	m.policy.(*numbers).least = 100
	sent(t, q)
	receive(t, m, request, q)
	if got := sent(t, q); len(got) != 1 || got[0].Code != ConfigureAck || m.State() != AckSent {
		t.Errorf("answered by %v in state %v, want the same Ack", got, m.State())
	}
	request.ID++
	receive(t, m, request, q)
	if got := sent(t, q); len(got) != 1 || got[0].Code != ConfigureNak || m.State() != ReqSent {
		t.Errorf("a new request is answered by %v in state %v, want a Nak", got, m.State())
	}
}

// TestOvertaken: a request that comes after a later one has had its answer changes nothing.
func TestOvertaken(t *testing.T) {
	m, q := NewAutomaton(newNumbers(), Limits{}), &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	for id := range uint8(9) {
		receive(t, m, Control{ConfigureRequest, id, []byte{9, 3, id}}, q) // each refused
	}
	receive(t, m, Control{ConfigureRequest, 9, nil}, q)
	sent(t, q)
	overtaken := func(id uint8) error {
		_, err := m.Receive(epoch, Control{ConfigureRequest, id, []byte{9, 3, id}}, q)
		return err
	}
	for id := uint8(1); id < 9; id++ { // the eight that are kept
		if err := overtaken(id); err != ErrSuperseded || q.Len() != 0 || m.State() != AckSent {
			t.Errorf("request %d, overtaken: %v, %d answers, state %v; want ErrOvertaken, none, Ack-Sent", id, err, q.Len(), m.State())
		}
	}
	receive(t, m, Control{ConfigureAck, m.requestID, m.request}, q)
	if err := overtaken(8); err != ErrSuperseded || m.State() != Opened {
		t.Errorf("in Opened: %v, state %v; want ErrOvertaken, Opened", err, m.State())
	}
	if err := overtaken(0); err != nil || m.State() != ReqSent {
		t.Errorf("one that is forgotten: %v, state %v; want a new negotiation", err, m.State())
	}
}

// TestHistoryEnds: what was said before the layer below went down is no copy afterwards.
func TestHistoryEnds(t *testing.T) {
	m, _ := opened(t, Limits{})
	q := &Queue{}
	m.Down(epoch)
	m.Up(epoch, q)
	sent(t, q)
	receive(t, m, Control{ConfigureAck, m.requestID, m.request}, q)
	if s := receive(t, m, Control{ConfigureRequest, 1, []byte{1, 3, 50}}, q); s != LayerUp || m.State() != Opened {
		t.Errorf("signal %v, state %v; want LayerUp, Opened", s, m.State())
	}
	// Nor is it in a state without a negotiation.
	m, _ = opened(t, Limits{})
	m.Close(epoch, "", q)
	receive(t, m, Control{TerminateAck, 1, nil}, q)
	sent(t, q)
	receive(t, m, Control{ConfigureRequest, 1, []byte{1, 3, 50}}, q)
	if got := sent(t, q); len(got) != 1 || got[0].Code != TerminateAck {
		t.Errorf("in Closed answered by %v, want a Terminate-Ack", got)
	}
}

// TestRefusedAgain: copies of a refused request do not show that the peer insists.
func TestRefusedAgain(t *testing.T) {
	m, p := opened(t, Limits{})
	p.least = 100
	q := &Queue{}
	for range 50 {
		receive(t, m, Control{ConfigureRequest, 7, []byte{1, 3, 50}}, q)
		receive(t, m, Control{ConfigureRequest, 7, []byte{1, 3, 50}}, q)
	}
	for _, got := range sent(t, q) {
		if got.Code == ConfigureReject {
			t.Fatal("copies of one request use up the Naks")
		}
	}
	for range 50 {
		receive(t, m, Control{ConfigureRequest, 8, []byte{9, 3, 1}}, q)
	}
	if m.State() != ReqSent {
		t.Errorf("after copies of a rejected request the state is %v, want Req-Sent", m.State())
	}
}

// TestStuck: a peer that repeats its request for longer than one may is begun anew with; both
// the time and the number count.
func TestStuck(t *testing.T) {
	limits := Limits{Restart: time.Second, MaxConfigure: 3}
	request := Control{ConfigureRequest, 1, []byte{1, 3, 50}}
	for _, c := range []struct {
		what string
		at   []time.Duration // since the first copy
		anew bool
	}{
		{"many at once", make([]time.Duration, 40), false},
		{"few", []time.Duration{0, time.Hour, 2 * time.Hour}, false},
		{"too early", []time.Duration{0, time.Second, 2 * time.Second, 3*time.Second - 1}, false},
		{"as long as may be", []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}, true},
	} {
		m, _ := opened(t, limits)
		var all Signal
		for _, at := range c.at {
			s, err := m.Receive(epoch.Add(time.Hour+at), request, &Queue{})
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			all |= s
		}
		if anew := all == LayerDown && m.State() == AckSent; anew != c.anew {
			t.Errorf("%s: signals %v, state %v; want a new negotiation: %v", c.what, all, m.State(), c.anew)
		}
	}
}

// TestStuckCountsAnew: copies of an earlier request do not count against a peer's new one.
func TestStuckCountsAnew(t *testing.T) {
	m, _ := opened(t, Limits{Restart: time.Second, MaxConfigure: 3})
	q := &Queue{}
	at := func(since time.Duration, c Control) (s Signal) {
		s, err := m.Receive(epoch.Add(since), c, q)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for i := range 3 {
		at(time.Duration(i)*time.Second, Control{ConfigureRequest, 1, []byte{1, 3, 50}})
	}
	second := Control{ConfigureRequest, 2, []byte{1, 3, 50}}
	if s := at(10*time.Second, second); s != LayerDown || m.State() != AckSent {
		t.Fatalf("a new request: signal %v, state %v", s, m.State())
	}
	at(10*time.Second, Control{ConfigureAck, m.requestID, m.request})
	for i := range 3 {
		if s := at(time.Duration(20+i)*time.Second, second); s != 0 || m.State() != Opened {
			t.Errorf("copy %d of the new request: signal %v, state %v; want no change", i+1, s, m.State())
		}
	}
}

// TestWaitsForRequest: while the peer's request is missing, ours keeps its Identifier at
// first, lest a peer that is Opened begin anew; then it must.
func TestWaitsForRequest(t *testing.T) {
	m, q := NewAutomaton(newNumbers(), Limits{}), &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	var ids []uint8
	for m.State() == ReqSent {
		receive(t, m, Control{ConfigureAck, m.requestID, m.request}, q)
		sent(t, q)
		m.Advance(m.Deadline(), q)
		for _, c := range sent(t, q) {
			ids = append(ids, c.ID)
		}
	}
	if want := []uint8{1, 1, 1, 1, 1, 2, 3, 4, 5}; !slices.Equal(ids, want) || m.State() != Stopped {
		t.Errorf("Identifiers %v, state %v; want %v and Stopped", ids, m.State(), want)
	}
}

// TestEarlyRepetition: the first request is repeated once if its answer is overdue.
func TestEarlyRepetition(t *testing.T) {
	for _, c := range []struct {
		what string
		l    Limits
		at   time.Duration // 0: not before the Restart timer runs out
	}{
		{"by default", Limits{}, 250 * time.Millisecond},
		{"of a quick peer", Limits{RoundTrip: 125 * time.Millisecond}, 250 * time.Millisecond},
		{"of a slow peer", Limits{RoundTrip: 126 * time.Millisecond}, 252 * time.Millisecond},
		{"of a very slow peer", Limits{RoundTrip: 1500 * time.Millisecond}, 0},
		{"with a short Restart period", Limits{Restart: 250 * time.Millisecond}, 0},
	} {
		m, q := NewAutomaton(newNumbers(), c.l), &Queue{}
		m.Open(epoch, q)
		m.Up(epoch, q)
		first := sent(t, q)
		restart := epoch.Add(m.limits.Restart)
		if c.at != 0 {
			m.Advance(epoch.Add(c.at-1), q)
			if q.Len() != 0 {
				t.Errorf("%s: repeated before %v", c.what, c.at)
			}
			m.Advance(epoch.Add(c.at), q)
			if again := sent(t, q); len(again) != 1 || !Same(again[0], first[0]) {
				t.Errorf("%s: after %v sent %v, want the first request again", c.what, c.at, again)
			}
		}
		if !m.Deadline().Equal(restart) || m.restarts != m.limits.MaxConfigure-1 {
			t.Errorf("%s: the Restart timer runs out at %v with %d tries left, want %v and all but one", c.what, m.Deadline(), m.restarts, restart)
		}
	}
}

// Same reports whether two packets are, to the octet.
func Same(a, b Control) bool { return bytes.Equal(a.AppendTo(nil), b.AppendTo(nil)) }

// TestAnswerInTime: any answer to the first request has it not repeated, and later requests
// never are before the Restart timer runs out.
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
		m, q := NewAutomaton(newNumbers(), Limits{}), &Queue{}
		m.Open(epoch, q)
		m.Up(epoch, q)
		sent(t, q)
		receive(t, m, c.answer, q)
		if got := sent(t, q); len(got) != c.next || !m.Deadline().Equal(epoch.Add(3*time.Second)) {
			t.Errorf("%s: sent %v, next at %v; want %d requests and 3 s", c.what, got, m.Deadline(), c.next)
		}
	}
	// Nor is a request of a link that is negotiated anew.
	m, _ := opened(t, Limits{})
	receive(t, m, Control{ConfigureRequest, 2, nil}, &Queue{})
	if !m.Deadline().Equal(epoch.Add(3 * time.Second)) {
		t.Errorf("negotiated anew, a request is repeated at %v, want 3 s", m.Deadline())
	}
	// But that of one that has been down is.
	m.Down(epoch)
	m.Up(epoch, &Queue{})
	if !m.Deadline().Equal(epoch.Add(overdue)) {
		t.Errorf("after Down and Up the first request is repeated at %v, want %v", m.Deadline(), overdue)
	}
}

// TestPeerComesUpLate: the peer's first request shows that it is there now. What was sent long
// before is sent again at once, and before our answer, for a peer that had it is still
// negotiating then; what was sent just before is given its time.
func TestPeerComesUpLate(t *testing.T) {
	for _, c := range []struct {
		at   time.Duration // when it comes up
		copy time.Duration // when ours goes out again
		next time.Duration // what is due then
	}{
		{100 * time.Millisecond, 250 * time.Millisecond, 3 * time.Second},
		{400 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second},
		{500 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second},
		{2 * time.Second, 2 * time.Second, 3 * time.Second},
		{3100 * time.Millisecond, 3250 * time.Millisecond, 6 * time.Second},
	} {
		m, q := NewAutomaton(newNumbers(), Limits{}), &Queue{}
		m.Open(epoch, q)
		m.Up(epoch, q)
		for m.Deadline().Before(epoch.Add(c.at)) {
			m.Advance(m.Deadline(), q)
		}
		sent(t, q)
		now := epoch.Add(c.at)
		m.Receive(now, Control{ConfigureRequest, 5, nil}, q)
		if c.copy > c.at {
			if got := sent(t, q); len(got) != 1 || got[0].Code != ConfigureAck || !m.Deadline().Equal(epoch.Add(c.copy)) {
				t.Errorf("up at %v: sent %v, next at %v; want an Ack, and our request at %v", c.at, got, m.Deadline().Sub(epoch), c.copy)
			}
			m.Advance(epoch.Add(c.copy), q)
		}
		got := sent(t, q)
		if got[0].Code != ConfigureRequest || len(got) != 1 && got[1].Code != ConfigureAck || !m.Deadline().Equal(epoch.Add(c.next)) {
			t.Errorf("up at %v: at %v sent %v, next at %v; want our request first, and %v", c.at, c.copy, got, m.Deadline().Sub(epoch), c.next)
		}
		m.Receive(now, Control{ConfigureRequest, 6, nil}, q)
		if got := sent(t, q); len(got) != 1 || !m.Deadline().Equal(epoch.Add(c.next)) {
			t.Errorf("up at %v: its second request is answered by %v, next at %v; want an Ack alone", c.at, got, m.Deadline().Sub(epoch))
		}
	}
}

// TestHurriedOnce: only the peer's first request has ours looked after.
func TestHurriedOnce(t *testing.T) {
	m, q := NewAutomaton(newNumbers(), Limits{}), &Queue{}
	m.Open(epoch, q)
	m.Up(epoch, q)
	m.Advance(epoch.Add(overdue), q)
	for i, want := range []int{2, 1, 1} { // packets: our request and the Reject; the Reject alone
		sent(t, q)
		at := epoch.Add(time.Duration(i+2) * 600 * time.Millisecond)
		m.Receive(at, Control{ConfigureRequest, uint8(i), []byte{9, 3, 1}}, q)
		if got := sent(t, q); len(got) != want || !m.Deadline().Equal(epoch.Add(3*time.Second)) {
			t.Errorf("request %d is answered by %v, next at %v; want %d packets, and nothing before 3 s", i, got, m.Deadline().Sub(epoch), want)
		}
	}
}
