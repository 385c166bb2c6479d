// Package ratelimit bounds how often something is done that anybody can cause, and counts what
// was left out, so that a flood fills no log and still shows in it.
package ratelimit

import (
	"sync"
	"time"
)

// Limiter allows something so many times in each period, which begins with the first that is
// asked for after the one before is over. It may be used concurrently. Time is an argument.
type Limiter struct {
	most   int
	period time.Duration

	mu      sync.Mutex
	since   time.Time // when the period began; zero: there was none
	done    int       // in the period
	leftOut int       // since TakeSuppressed was last asked
}

// New makes a limiter that allows something most times in each period.
func New(most int, period time.Duration) *Limiter { return &Limiter{most: most, period: period} }

// Allow reports whether it may be done once more, and counts it as left out if not. first
// reports that it is the first in its period that may not: the time to arrange that TakeSuppressed is
// asked, Period from now, also if nothing more comes.
func (l *Limiter) Allow(now time.Time) (ok, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.since.IsZero() || now.Sub(l.since) >= l.period {
		l.since, l.done = now, 0
	}
	l.done++
	if l.done <= l.most {
		return true, false
	}
	l.leftOut++
	return false, l.done == l.most+1
}

// TakeSuppressed returns how many were left out since it was last asked.
func (l *Limiter) TakeSuppressed() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, l.leftOut = l.leftOut, 0
	return n
}

// Period is what New was given.
func (l *Limiter) Period() time.Duration { return l.period }
