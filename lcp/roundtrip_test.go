package lcp

import (
	"testing"
	"time"

	"upppoe/ppp"
)

// TestRoundTrip: the time from the last Echo-Request to its answer, also if earlier ones had none; a
// late answer to an earlier request is not measured.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     Echo
		answers func(now time.Time, l *Link, reply func(at time.Time, age uint8), next func() time.Time)
		want    time.Duration
	}{
		{"of one request", Echo{Interval: 10 * time.Second}, func(now time.Time, _ *Link, reply func(time.Time, uint8), _ func() time.Time) {
			reply(now.Add(1600*time.Microsecond), 0)
		}, 1632 * time.Microsecond},
		{"of the second request", Echo{Interval: 10 * time.Second}, func(_ time.Time, _ *Link, reply func(time.Time, uint8), next func() time.Time) {
			reply(next().Add(800*time.Microsecond), 0)
		}, 832 * time.Microsecond},
		{"of a late answer", Echo{Interval: 10 * time.Second}, func(_ time.Time, _ *Link, reply func(time.Time, uint8), next func() time.Time) {
			reply(next(), 1)
		}, 0},
		{"at once", Echo{Interval: 10 * time.Second}, func(now time.Time, _ *Link, reply func(time.Time, uint8), _ func() time.Time) {
			reply(now, 0)
		}, 32 * time.Microsecond},
		{"of a satellite and more", Echo{Interval: 10 * time.Second}, func(now time.Time, _ *Link, reply func(time.Time, uint8), _ func() time.Time) {
			reply(now.Add(5*time.Second), 0)
		}, 65535 * 32 * time.Microsecond},
		{"of a check", Echo{}, func(now time.Time, l *Link, reply func(time.Time, uint8), _ func() time.Time) {
			l.CheckPeer(now, &ppp.Queue{})
			reply(now.Add(3*time.Millisecond), 0)
		}, 3008 * time.Microsecond},
	} {
		l, q := opened(t, Config{Echo: c.cfg})
		c.answers(epoch, l, func(at time.Time, age uint8) {
			if _, err := l.Receive(at, ppp.Control{Code: ppp.EchoReply, ID: l.echo.id - 1 - age, Data: make([]byte, magicLen)}, q); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}, func() time.Time {
			now := l.Deadline()
			l.Advance(now, q)
			return now
		})
		if got := l.RoundTrip(); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
