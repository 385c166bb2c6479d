package pppoe

import (
	"math"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// SessionLimits end a session from our side. A zero field is no limit.
type SessionLimits struct {
	// IdleTimeout is how long a session may carry no packet in either direction.
	IdleTimeout time.Duration
	// SessionTimeout is how long a session may last after the first Configured.
	SessionTimeout time.Duration
	// MaxBytes is how many octets of IP packets a session may carry, counted as Count says.
	MaxBytes uint64
	Count    Counting
}

// Counting is which octets count towards SessionLimits.MaxBytes.
type Counting uint8

// Ways of counting, as in pppd's option mo-direction.
const (
	CountSum Counting = iota
	CountSent
	CountReceived
	CountLarger // of the two
)

// limitCheckInterval is how often a session with limits is checked: pppd's clock has whole seconds.
const limitCheckInterval = time.Second

func (l SessionLimits) needsCounters() bool { return l.IdleTimeout > 0 || l.MaxBytes > 0 }

// limitState is the state of a session's limits.
type limitState struct {
	*SessionLimits
	since moment // when packets began to flow; zero: they have not; or limitReached
	usage *usage // nil: no limit has needed it
}

// limitReached is since when a limit was reached, which is reported once.
const limitReached moment = math.MinInt64

// counts reports whether the limits count.
func (l *limitState) counts() bool { return !l.since.isNone() && l.since != limitReached }

// usage is what a session has carried.
type usage struct {
	active   time.Time // when a packet was last seen
	last     datapath.Counters
	baseline datapath.Counters // carried by an earlier user; does not count
}

func (l *limitState) start(now time.Time) {
	if l.since.isNone() {
		l.since = momentOf(now)
		if l.usage != nil {
			l.usage.active = now
		}
	}
}

// restart begins again for another user.
func (l *limitState) restart(c datapath.Counters) {
	l.usage = &usage{last: c, baseline: c}
	if l.counts() {
		l.since = 0
	}
}

// count records what the session has carried.
func (l *limitState) count(now time.Time, c datapath.Counters) *usage {
	if l.usage == nil {
		l.usage = &usage{active: l.since.time()}
	}
	u := l.usage
	if c.SentPackets != u.last.SentPackets || c.ReceivedPackets != u.last.ReceivedPackets {
		u.active = now
	}
	u.last = c
	return u
}

// deadline returns when to check the session next; zero: never.
func (l *limitState) deadline(now time.Time) (at time.Time) {
	if !l.counts() {
		return time.Time{}
	}
	if l.SessionTimeout > 0 {
		at = l.since.time().Add(l.SessionTimeout)
	}
	if l.needsCounters() {
		at = ppp.Earliest(at, now.Add(limitCheckInterval))
	}
	return at
}

// check reports, once, that a limit was reached, and which.
func (l *limitState) check(now time.Time, c datapath.Counters) (r session.Reason, reached bool) {
	if !l.counts() {
		return r, false
	}
	var u *usage
	if l.needsCounters() {
		u = l.count(now, c)
	}
	switch {
	case l.SessionTimeout > 0 && l.since.until(now) >= l.SessionTimeout:
		r = session.Reason{Cause: session.CauseExpired, Text: "Connect time expired"}
	case l.IdleTimeout > 0 && now.Sub(u.active) >= l.IdleTimeout:
		r = session.Reason{Cause: session.CauseIdle, Text: "Link inactive"}
	case l.MaxBytes > 0 && l.Count.of(c.Since(u.baseline)) >= l.MaxBytes:
		r = session.Reason{Cause: session.CauseExhausted, Text: "Traffic limit reached"}
	default:
		return r, false
	}
	l.since = limitReached
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
