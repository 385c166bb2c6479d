package lcp

import (
	"testing"
	"time"

	"upppoe/ppp"
)

// path simulates the path between a link and a peer that answers.
type path struct {
	mtu         int              // the longest packet that arrives
	maxAnswered int              // the longest Echo-Request that the peer answers; 0: any
	truncated   int              // the length of the peer's answers; 0: not truncated
	lost        func(n int) bool // whether the n-th request is lost; nil: none is
	delay       time.Duration
}

// check runs the path check of a link to its end, and returns its result, the sizes of its requests
// and its duration.
func (p path) check(t *testing.T, cfg Config, change func(*Link)) (found *PathLimit, sizes []int, duration time.Duration) {
	t.Helper()
	cfg.CheckPath = true
	l, q := opened(t, cfg)
	if change != nil {
		change(l)
	}
	type reply struct {
		at time.Time
		c  ppp.Control
	}
	var replies []reply
	now := epoch
	for range 1000 {
		due := l.Deadline()
		if len(replies) > 0 && (due.IsZero() || !replies[0].at.After(due)) {
			due = replies[0].at
		}
		if due.IsZero() {
			return l.TakePathLimit(), sizes, now.Sub(epoch)
		}
		now = due
		if len(replies) > 0 && !replies[0].at.After(now) {
			if _, err := l.Receive(now, replies[0].c, q); err != nil {
				t.Errorf("an answer was dropped: %v", err)
			}
			replies = replies[1:]
		} else {
			l.Advance(now, q)
		}
		for _, c := range sent(t, q) {
			size := len(c.Data) + ppp.ControlHeaderLen
			sizes = append(sizes, size)
			if c.Code != ppp.EchoRequest || size > p.mtu || p.maxAnswered > 0 && size > p.maxAnswered || p.lost != nil && p.lost(len(sizes)) {
				continue
			}
			c.Code = ppp.EchoReply
			copy(c.Data, "\xff\xff\xff\xff")
			if p.truncated > 0 {
				c.Data = c.Data[:min(len(c.Data), p.truncated)]
			}
			replies = append(replies, reply{now.Add(p.delay), c})
		}
	}
	t.Fatal("the check never ends")
	return nil, nil, 0
}

// TestPathCheck: a path's limit is found to the octet. Nothing is reported for a path without a limit,
// or for a peer that does not answer long requests or any.
func TestPathCheck(t *testing.T) {
	const none = 0
	for _, c := range []struct {
		what string
		path path
		cfg  Config
		want int // PathMRU; none: nothing is reported
		sent int // maximum of requests
	}{
		{"all packets arrive", path{mtu: 1492}, Config{}, none, 1},
		{"a bridge over VXLAN", path{mtu: 1442}, Config{}, 1442, 30},
		{"and two tags", path{mtu: 1422}, Config{}, 1422, 30},
		{"one octet is missing", path{mtu: 1491}, Config{}, 1491, 30},
		{"just the minimum", path{mtu: 1280}, Config{}, 1280, 30},
		{"less than the minimum", path{mtu: 1279}, Config{}, none, pathTries + probeTries},
		{"long requests are not answered", path{mtu: 1492, maxAnswered: 64}, Config{}, none, pathTries + probeTries},
		{"no requests are answered", path{mtu: 0}, Config{}, none, pathTries + probeTries},
		{"answers are truncated", path{mtu: 1492, truncated: 16}, Config{}, none, 1},
		{"answers are slow", path{mtu: 1492, delay: 3500 * time.Millisecond}, Config{}, none, pathTries},
		{"answers are slow, and the path has a limit", path{mtu: 1442, delay: 1500 * time.Millisecond}, Config{}, 1442, 60},
		{"three of the first are lost", path{mtu: 1492, lost: func(n int) bool { return n <= 3 }}, Config{}, none, 4},
		{"four of the first are lost", path{mtu: 1492, lost: func(n int) bool { return n <= 4 }}, Config{}, none, 30},
		{"RFC 4638", path{mtu: 1500}, Config{MRU: 1500, MaxMRU: 1500}, none, 1},
		{"RFC 4638, and the path has 1492", path{mtu: 1492}, Config{MRU: 1500, MaxMRU: 1500}, 1492, 30},
		{"we receive less than we send", path{mtu: 1400}, Config{MRU: 1400}, none, 1},
		{"an MRU that is not checked", path{mtu: 0}, Config{MRU: 1280}, none, 0},
		{"the least MRU that is checked", path{mtu: 1280}, Config{MRU: 1281}, 1280, 30},
	} {
		found, sizes, took := c.path.check(t, c.cfg, nil)
		size := 1492
		if c.cfg.MRU != 0 {
			size = c.cfg.MRU
		}
		switch {
		case c.want == none && found != nil:
			t.Errorf("%s: found %+v", c.what, *found)
		case c.want != none && (found == nil || *found != PathLimit{MRU: size, PathMRU: c.want}):
			t.Errorf("%s: found %+v, want %d of %d", c.what, found, c.want, size)
		}
		if len(sizes) > c.sent || took > time.Minute {
			t.Errorf("%s: it takes %d requests and %v: %v", c.what, len(sizes), took, sizes)
		}
		if len(sizes) > 0 && sizes[0] != size {
			t.Errorf("%s: the first request has %d octets, want %d", c.what, sizes[0], size)
		}
	}
}

// TestPathCheckDelay: the check waits for pathDelay after LCP has opened.
func TestPathCheckDelay(t *testing.T) {
	l, q := opened(t, Config{CheckPath: true})
	if l.Advance(epoch.Add(pathDelay-1), q); len(sent(t, q)) > 0 {
		t.Error("the path is checked at once")
	}
	l.Advance(epoch.Add(pathDelay), q)
	requests := sent(t, q)
	if len(requests) != 1 || requests[0].Code != ppp.EchoRequest || len(requests[0].Data) != 1492-ppp.ControlHeaderLen {
		t.Fatalf("sent %v", requests)
	}
	l.Down(epoch.Add(pathDelay))
	if !l.Deadline().IsZero() {
		t.Error("the path of a link that is down is checked")
	}
	unchecked, _ := opened(t, Config{})
	if !unchecked.Deadline().IsZero() {
		t.Error("the path is checked without CheckPath")
	}
}

// TestPathCheckAndEcho: answers to the path check are not counted as answers to Echo's requests, and
// vice versa.
func TestPathCheckAndEcho(t *testing.T) {
	l, q := opened(t, Config{CheckPath: true, Echo: Echo{Interval: 10 * time.Second, Failures: 3}})
	at := epoch.Add(10 * time.Second)
	l.Advance(at, q)
	for _, c := range sent(t, q) {
		c.Code = ppp.EchoReply
		copy(c.Data, "\xff\xff\xff\xff")
		before := l.Unanswered()
		if _, err := l.Receive(at, c, q); err != nil {
			t.Errorf("%d octets: %v", len(c.Data), err)
		}
		if isCheck := len(c.Data) > magicLen; isCheck != (l.Unanswered() == before) {
			t.Errorf("after an answer of %d octets, %d requests are unanswered, before it %d", len(c.Data), l.Unanswered(), before)
		}
	}
	if l.path.largestPassed != 1492 || l.Unanswered() != 0 {
		t.Errorf("%d octets arrive, and %d requests are unanswered", l.path.largestPassed, l.Unanswered())
	}
	short := append([]byte{0xff, 0xff, 0xff, 0xff}, pathTag...)
	for _, data := range [][]byte{short, append(short, 5)} {
		if _, err := l.Receive(at, ppp.Control{Code: ppp.EchoReply, Data: data}, q); err != ErrEcho {
			t.Errorf("an answer truncated to %d octets: %v, want ErrEcho", len(data), err)
		}
	}
}
