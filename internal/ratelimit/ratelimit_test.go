package ratelimit

import (
	"testing"
	"time"
)

// TestLimiter: a number of events is allowed in each period, which begins with its first event. Others
// are counted, and the first of them is reported.
func TestLimiter(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := New(2, time.Second)
	for i, c := range []struct {
		at        time.Duration
		ok, first bool
	}{
		{0, true, false},
		{999 * time.Millisecond, true, false},
		{999 * time.Millisecond, false, true},
		{time.Second - 1, false, false},
		{time.Second, true, false}, // a period later to the nanosecond
		{time.Second, true, false},
		{2*time.Second - 1, false, true},
		{5 * time.Second, true, false}, // a period begins with its first event
		{6*time.Second - 1, true, false},
		{6*time.Second - 1, false, true},
		{6 * time.Second, true, false},
	} {
		if ok, first := l.Allow(epoch.Add(c.at)); ok != c.ok || first != c.first {
			t.Errorf("%d, at %v: allowed %v, first %v; want %v, %v", i, c.at, ok, first, c.ok, c.first)
		}
	}
	if n := l.TakeSuppressed(); n != 4 {
		t.Errorf("%d were suppressed, want 4", n)
	}
	if n := l.TakeSuppressed(); n != 0 {
		t.Errorf("%d more were suppressed, want none", n)
	}
	if l.Period() != time.Second {
		t.Errorf("period %v", l.Period())
	}
}
