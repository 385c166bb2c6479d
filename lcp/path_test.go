package lcp

import (
	"testing"
	"time"

	"upppoe/ppp"
)

// path is what lies between a link and a peer that answers.
type path struct {
	carries int              // the longest packet
	answers int              // the longest Echo-Request that the peer answers; 0: any
	cut     int              // the peer's answers are no longer; 0: as they are
	lost    func(n int) bool // of all requests, by number; nil: none
	delay   time.Duration
}

// walk has a link check a path until nothing is due, and returns what it found, how many requests
// that took and how long.
func (p path) walk(t *testing.T, cfg Config, change func(*Link)) (found *PathLimit, sizes []int, took time.Duration) {
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
				t.Errorf("an answer is dropped: %v", err)
			}
			replies = replies[1:]
		} else {
			l.Advance(now, q)
		}
		for _, c := range sent(t, q) {
			size := len(c.Data) + ppp.ControlHeaderLen
			sizes = append(sizes, size)
			if c.Code != ppp.EchoRequest || size > p.carries || p.answers > 0 && size > p.answers || p.lost != nil && p.lost(len(sizes)) {
				continue
			}
			c.Code = ppp.EchoReply
			copy(c.Data, "\xff\xff\xff\xff")
			if p.cut > 0 {
				c.Data = c.Data[:min(len(c.Data), p.cut)]
			}
			replies = append(replies, reply{now.Add(p.delay), c})
		}
	}
	t.Fatal("the check has no end")
	return nil, nil, 0
}

// TestPathCheck: what a path carries is found to the octet; a path that carries all, and a peer
// that does not answer long requests, or any, make no noise.
func TestPathCheck(t *testing.T) {
	const none = 0
	for _, c := range []struct {
		what string
		path path
		cfg  Config
		want int // what the path is found to carry; none: nothing is said
		sent int // the most requests
	}{
		{"all comes through", path{carries: 1492}, Config{}, none, 1},
		{"a bridge over VXLAN", path{carries: 1442}, Config{}, 1442, 30},
		{"and two tags", path{carries: 1422}, Config{}, 1422, 30},
		{"one octet is missing", path{carries: 1491}, Config{}, 1491, 30},
		{"just the least", path{carries: 1280}, Config{}, 1280, 30},
		{"less than the least", path{carries: 1279}, Config{}, none, pathTries + pathSteps},
		{"long requests are not answered", path{carries: 1492, answers: 64}, Config{}, none, pathTries + pathSteps},
		{"none are", path{carries: 0}, Config{}, none, pathTries + pathSteps},
		{"answers are cut short", path{carries: 1492, cut: 16}, Config{}, none, 1},
		{"answers are slow", path{carries: 1492, delay: 3500 * time.Millisecond}, Config{}, none, pathTries},
		{"answers are slow, and less comes through", path{carries: 1442, delay: 1500 * time.Millisecond}, Config{}, 1442, 60},
		{"three of the first are lost", path{carries: 1492, lost: func(n int) bool { return n <= 3 }}, Config{}, none, 4},
		{"four of the first are lost", path{carries: 1492, lost: func(n int) bool { return n <= 4 }}, Config{}, none, 30},
		{"RFC 4638", path{carries: 1500}, Config{MRU: 1500, MaxMRU: 1500}, none, 1},
		{"RFC 4638, in vain", path{carries: 1492}, Config{MRU: 1500, MaxMRU: 1500}, 1492, 30},
		{"we receive less than we send", path{carries: 1400}, Config{MRU: 1400}, none, 1},
		{"nothing to be checked", path{carries: 0}, Config{MRU: 1280}, none, 0},
		{"the least to be checked", path{carries: 1280}, Config{MRU: 1281}, 1280, 30},
	} {
		found, sizes, took := c.path.walk(t, c.cfg, nil)
		size := 1492
		if c.cfg.MRU != 0 {
			size = c.cfg.MRU
		}
		switch {
		case c.want == none && found != nil:
			t.Errorf("%s: %+v is found", c.what, *found)
		case c.want != none && (found == nil || *found != PathLimit{MRU: size, PathMRU: c.want}):
			t.Errorf("%s: %+v is found, want %d of %d", c.what, found, c.want, size)
		}
		if len(sizes) > c.sent || took > time.Minute {
			t.Errorf("%s: it takes %d requests and %v: %v", c.what, len(sizes), took, sizes)
		}
		if len(sizes) > 0 && sizes[0] != size {
			t.Errorf("%s: the first request has %d octets, want %d", c.what, sizes[0], size)
		}
	}
}

// TestPathCheckWaits: the dial comes first.
func TestPathCheckWaits(t *testing.T) {
	l, q := opened(t, Config{CheckPath: true})
	if l.Advance(epoch.Add(pathDelay-1), q); len(sent(t, q)) > 0 {
		t.Error("it is checked at once")
	}
	l.Advance(epoch.Add(pathDelay), q)
	requests := sent(t, q)
	if len(requests) != 1 || requests[0].Code != ppp.EchoRequest || len(requests[0].Data) != 1492-ppp.ControlHeaderLen {
		t.Fatalf("sent %v", requests)
	}
	l.Down(epoch.Add(pathDelay))
	if !l.Deadline().IsZero() {
		t.Error("a link that is down is checked")
	}
	unchecked, _ := opened(t, Config{})
	if !unchecked.Deadline().IsZero() {
		t.Error("it is checked though nobody wants it")
	}
}

// TestPathCheckApart: answers to the check are no answers to the requests for a sign of life, nor
// are these to the check.
func TestPathCheckApart(t *testing.T) {
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
		if check := len(c.Data) > magicLen; check != (l.Unanswered() == before) {
			t.Errorf("after an answer of %d octets, %d requests are unanswered, before it %d", len(c.Data), l.Unanswered(), before)
		}
	}
	if l.path.passes != 1492 || l.Unanswered() != 0 {
		t.Errorf("%d octets come through, and %d requests are unanswered", l.path.passes, l.Unanswered())
	}
	short := append([]byte{0xff, 0xff, 0xff, 0xff}, pathMark...)
	for _, data := range [][]byte{short, append(short, 5)} {
		if _, err := l.Receive(at, ppp.Control{Code: ppp.EchoReply, Data: data}, q); err != ErrEcho {
			t.Errorf("an answer cut to %d octets: %v, want ErrEcho", len(data), err)
		}
	}
}
