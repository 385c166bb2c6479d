package pppoe

import (
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// Limits end a session from our side. Zero fields are no limit.
type Limits struct {
	// IdleTimeout is how long a session may carry no packet in either direction.
	IdleTimeout time.Duration
	// SessionTimeout is how long a session may last after the first Configured.
	SessionTimeout time.Duration
	// MaxBytes is how many octets of IP packets a session may carry, counted as Count says.
	MaxBytes uint64
	Count    Counting
}

// Counting is which octets count towards Limits.MaxBytes.
type Counting uint8

// Ways of counting, as pppd's option mo-direction has them.
const (
	CountSum Counting = iota
	CountSent
	CountReceived
	CountLarger // of the two
)

// limitCheckInterval is how often a session with limits is checked: pppd's clock has whole seconds.
const limitCheckInterval = time.Second

func (l Limits) needsCounters() bool { return l.IdleTimeout > 0 || l.MaxBytes > 0 }

// limitState is the state of a session's limits.
type limitState struct {
	Limits
	since    time.Time // when packets began to flow; zero: they have not
	active   time.Time // when a packet was last seen
	last     datapath.Counters
	baseline datapath.Counters // carried by an earlier user; does not count
	reached  bool              // a limit was reached, which is reported once
}

func (a *limitState) start(now time.Time) {
	if a.since.IsZero() && !a.reached {
		a.since, a.active = now, now
	}
}

// restart begins again for another user.
func (a *limitState) restart(c datapath.Counters) {
	a.since, a.last, a.baseline = time.Time{}, c, c
}

// deadline returns when to check the session next; zero: never.
func (a *limitState) deadline(now time.Time) (at time.Time) {
	if a.since.IsZero() {
		return time.Time{}
	}
	if a.SessionTimeout > 0 {
		at = a.since.Add(a.SessionTimeout)
	}
	if a.needsCounters() {
		at = ppp.Earliest(at, now.Add(limitCheckInterval))
	}
	return at
}

// check reports, once, that a limit was reached, and which.
func (a *limitState) check(now time.Time, c datapath.Counters) (r session.Reason, reached bool) {
	if a.since.IsZero() {
		return r, false
	}
	if c.SentPackets != a.last.SentPackets || c.ReceivedPackets != a.last.ReceivedPackets {
		a.active = now
	}
	a.last = c
	switch {
	case a.SessionTimeout > 0 && now.Sub(a.since) >= a.SessionTimeout:
		r = session.Reason{Cause: session.Expired, Text: "Connect time expired"}
	case a.IdleTimeout > 0 && now.Sub(a.active) >= a.IdleTimeout:
		r = session.Reason{Cause: session.Idle, Text: "Link inactive"}
	case a.MaxBytes > 0 && a.Count.of(c.Since(a.baseline)) >= a.MaxBytes:
		r = session.Reason{Cause: session.Exhausted, Text: "Traffic limit reached"}
	default:
		return r, false
	}
	a.since, a.reached = time.Time{}, true
	return r, true
}

func (w Counting) of(c datapath.Counters) uint64 {
	switch w {
	case CountSent:
		return c.SentBytes
	case CountReceived:
		return c.ReceivedBytes
	case CountLarger:
		return max(c.SentBytes, c.ReceivedBytes)
	}
	return c.SentBytes + c.ReceivedBytes
}
