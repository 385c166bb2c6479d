package lifetime

import (
	"testing"
	"time"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestLifetime(t *testing.T) {
	l := New(now, 10*time.Second, Infinity)
	if l.Deprecated(now.Add(9*time.Second)) || !l.Deprecated(now.Add(10*time.Second)) {
		t.Errorf("preferred for 10 s, it ends %v", l.Preferred)
	}
	if l.Expired(now.Add(1<<40)) || Remaining(now, l.Valid) != Infinity {
		t.Errorf("with infinite lifetime, it ends %v", l.Valid)
	}
	if got := Remaining(now.Add(time.Minute), l.Preferred); got != 0 {
		t.Errorf("%v is left of what is over", got)
	}
}

func TestEarliest(t *testing.T) {
	early, late := now, now.Add(1)
	for _, c := range [][3]time.Time{{early, late, early}, {late, early, early}, {{}, late, late}, {early, {}, early}, {}} {
		if got := Earliest(c[0], c[1]); !got.Equal(c[2]) {
			t.Errorf("of %v and %v the first is %v", c[0], c[1], got)
		}
	}
}
