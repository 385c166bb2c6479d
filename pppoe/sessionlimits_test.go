package pppoe

import (
	"testing"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// TestLimitStateOfAnotherUser: another user after renegotiation has the whole of each limit.
func TestLimitStateOfAnotherUser(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const s = time.Second
	before := datapath.Counters{SentBytes: 50, ReceivedBytes: 40, SentPackets: 1}
	for _, c := range []struct {
		what    string
		limits  SessionLimits
		at      time.Duration // since the second user's packets flow
		carried datapath.Counters
		want    session.Cause
	}{
		{"time that is not over", SessionLimits{SessionTimeout: 10 * s}, 9 * s, before, 0},
		{"time that is over", SessionLimits{SessionTimeout: 10 * s}, 10 * s, before, session.CauseExpired},
		{"idle, not for long", SessionLimits{IdleTimeout: 10 * s}, 9 * s, before, 0},
		{"idle", SessionLimits{IdleTimeout: 10 * s}, 10 * s, before, session.CauseIdle},
		{"not yet the volume", SessionLimits{MaxBytes: 100}, s, datapath.Counters{SentBytes: 100, ReceivedBytes: 89, SentPackets: 2}, 0},
		{"volume", SessionLimits{MaxBytes: 100}, s, datapath.Counters{SentBytes: 100, ReceivedBytes: 90, SentPackets: 2}, session.CauseExhausted},
		{"not yet the larger", SessionLimits{MaxBytes: 100, Count: CountLarger}, s, datapath.Counters{SentBytes: 149, ReceivedBytes: 40}, 0},
		{"the larger", SessionLimits{MaxBytes: 100, Count: CountLarger}, s, datapath.Counters{SentBytes: 50, ReceivedBytes: 140}, session.CauseExhausted},
	} {
		a := limitState{SessionLimits: &c.limits}
		a.start(epoch)
		a.check(epoch.Add(5*s), before)
		a.restart(before)
		if r, over := a.check(epoch.Add(1000*time.Hour), before); over || !a.deadline(epoch).IsZero() {
			t.Errorf("%s: before the second user's packets flow: %v, deadline %v", c.what, r, a.deadline(epoch))
		}
		a.start(epoch.Add(9 * s))
		if r, over := a.check(epoch.Add(9*s+c.at), c.carried); over != (c.want != 0) || r.Cause != c.want {
			t.Errorf("%s: over %v with %v, want %v", c.what, over, r.Cause, c.want)
		}
		if a.start(epoch); c.want != 0 && !a.deadline(epoch).IsZero() {
			t.Errorf("%s: begins again after it has ended the session", c.what)
		}
	}
}

// TestLimitState: a limit is reached to the second, reported once, and not before packets flow.
func TestLimitState(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const s = time.Second
	sent := func(packets, bytes uint64) datapath.Counters {
		return datapath.Counters{SentPackets: packets, SentBytes: bytes}
	}
	for _, c := range []struct {
		what     string
		limits   SessionLimits
		at       time.Duration // since packets flow
		carried  datapath.Counters
		want     session.Cause
		deadline time.Duration // after at; 0: none
	}{
		{"no limits", SessionLimits{}, 1000 * time.Hour, sent(9, 9), 0, 0},
		{"a time that is not over", SessionLimits{SessionTimeout: 10 * s}, 4 * s, datapath.Counters{}, 0, 6 * s},
		{"a time that is over", SessionLimits{SessionTimeout: 10 * s}, 10 * s, datapath.Counters{}, session.CauseExpired, 0},
		{"idle, not for long", SessionLimits{IdleTimeout: 10 * s}, 9 * s, datapath.Counters{}, 0, s},
		{"idle", SessionLimits{IdleTimeout: 10 * s}, 10 * s, datapath.Counters{}, session.CauseIdle, 0},
		{"busy", SessionLimits{IdleTimeout: 10 * s}, 10 * s, sent(1, 0), 0, s},
		{"busy with receiving", SessionLimits{IdleTimeout: 10 * s}, 10 * s, datapath.Counters{ReceivedPackets: 1}, 0, s},
		{"busy with dropping", SessionLimits{IdleTimeout: 10 * s}, 10 * s, datapath.Counters{Dropped: 1}, session.CauseIdle, 0},
		{"time before idleness", SessionLimits{IdleTimeout: 10 * s, SessionTimeout: 10 * s}, 10 * s, datapath.Counters{}, session.CauseExpired, 0},
		{"the earlier deadline", SessionLimits{IdleTimeout: 10 * s, SessionTimeout: 10 * s}, 9500 * time.Millisecond, datapath.Counters{}, 0, s / 2},
		{"volume", SessionLimits{MaxBytes: 100}, s, datapath.Counters{SentBytes: 50, ReceivedBytes: 50}, session.CauseExhausted, 0},
		{"not yet the volume", SessionLimits{MaxBytes: 100}, s, datapath.Counters{SentBytes: 50, ReceivedBytes: 49}, 0, s},
		{"what is sent", SessionLimits{MaxBytes: 100, Count: CountSent}, s, datapath.Counters{SentBytes: 100}, session.CauseExhausted, 0},
		{"what is received does not count", SessionLimits{MaxBytes: 100, Count: CountSent}, s, datapath.Counters{ReceivedBytes: 1000}, 0, s},
		{"what is received", SessionLimits{MaxBytes: 100, Count: CountReceived}, s, datapath.Counters{ReceivedBytes: 100}, session.CauseExhausted, 0},
		{"the larger", SessionLimits{MaxBytes: 100, Count: CountLarger}, s, datapath.Counters{SentBytes: 100, ReceivedBytes: 1}, session.CauseExhausted, 0},
		{"the larger, not both", SessionLimits{MaxBytes: 100, Count: CountLarger}, s, datapath.Counters{SentBytes: 60, ReceivedBytes: 60}, 0, s},
	} {
		a := limitState{SessionLimits: &c.limits}
		if r, over := a.check(epoch.Add(1000*time.Hour), c.carried); over || !a.deadline(epoch).IsZero() {
			t.Errorf("%s: before packets flow: %v, deadline %v", c.what, r, a.deadline(epoch))
		}
		a.start(epoch)
		a.start(epoch.Add(c.at)) // IPv6 follows: the time starts only once
		now := epoch.Add(c.at)
		r, over := a.check(now, c.carried)
		if over != (c.want != 0) || r.Cause != c.want {
			t.Errorf("%s: over %v with %v, want %v", c.what, over, r.Cause, c.want)
		}
		if at := a.deadline(now); at.IsZero() != (c.deadline == 0) || c.deadline > 0 && at.Sub(now) != c.deadline {
			t.Errorf("%s: the deadline is %v, want after %v", c.what, at, c.deadline)
		}
		if r, again := a.check(now.Add(1000*time.Hour), c.carried); over && again {
			t.Errorf("%s: reported twice, then with %v", c.what, r.Cause)
		}
	}
}
