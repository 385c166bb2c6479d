// Package ratelimit bounds how often something is done that untrusted parties can cause, such as
// writing a log line, and counts what was suppressed. It does not limit packet rates: see
// pppoe/datapath.
package ratelimit

import (
	"sync"
	"time"
)

// Limiter allows a number of events in each period. A period begins with the first event after the
// end of the one before. It may be used concurrently. The time is an argument.
type Limiter struct {
	limit  int
	period time.Duration

	mu         sync.Mutex
	since      time.Time // when the period began; zero: none yet
	count      int       // events in the period
	suppressed int       // since the last TakeSuppressed
}

// New returns a limiter that allows limit events in each period.
func New(limit int, period time.Duration) *Limiter { return &Limiter{limit: limit, period: period} }

// Allow reports whether an event is allowed, and counts it as suppressed if not. first reports
// whether it is the first one suppressed in its period: the caller then arranges to call
// TakeSuppressed after Period, even if no more events follow.
func (l *Limiter) Allow(now time.Time) (ok, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() || now.Sub(l.since) >= l.period {
		l.since, l.count = now, 0
	}
	l.count++
	if l.count <= l.limit {
		return true, false
	}
	l.suppressed++
	return false, l.count == l.limit+1
}

// TakeSuppressed returns the number of events suppressed since its last call.
func (l *Limiter) TakeSuppressed() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, l.suppressed = l.suppressed, 0
	return n
}

// Period returns the period.
func (l *Limiter) Period() time.Duration { return l.period }
