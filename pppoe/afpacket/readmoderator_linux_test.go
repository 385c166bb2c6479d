package afpacket

import (
	"testing"
	"time"
)

// TestReadModerator: a reader pauses only in a stream: not for single frames, however frequent, and
// not before the first frame after a gap.
func TestReadModerator(t *testing.T) {
	for _, c := range []struct {
		what          string
		every         time.Duration // interval at which the reader finds nothing more
		frames, wakes int           // frames per interval, and number of intervals
		pauses        bool          // after the last interval
	}{
		{"echo requests every two milliseconds", 2 * time.Millisecond, 1, 1000, false},
		{"one frame every 200 microseconds", 200 * time.Microsecond, 1, 1000, false},
		{"ten frames every 100 microseconds", 100 * time.Microsecond, 10, 30, true},
		{"one frame every 20 microseconds", 20 * time.Microsecond, 1, 200, true},
		{"the first millisecond of a stream", 100 * time.Microsecond, 10, 9, false},
	} {
		var p readModerator
		now := time.Unix(0, 0)
		pauses := false
		for range c.wakes {
			now = now.Add(c.every)
			pauses = p.drained(now)
			p.count(c.frames)
		}
		if pauses != c.pauses {
			t.Errorf("%s: pauses %v, want %v", c.what, pauses, c.pauses)
		}
		if p.drained(now.Add(5 * time.Millisecond)) {
			t.Errorf("%s: pauses before the first frame after a gap", c.what)
		}
	}
}
