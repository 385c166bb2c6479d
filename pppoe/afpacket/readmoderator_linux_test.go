package afpacket

import (
	"testing"
	"time"
)

// TestReadModerator: a reader rests in a stream only: not for what comes alone, however often, and
// not for the first frame after a pause.
func TestReadModerator(t *testing.T) {
	for _, c := range []struct {
		what          string
		every         time.Duration // how often the reader finds nothing more
		frames, wakes int           // after so many frames, and so often
		rests         bool          // at the last of them
	}{
		{"echo requests every two milliseconds", 2 * time.Millisecond, 1, 1000, false},
		{"one frame every 200 microseconds", 200 * time.Microsecond, 1, 1000, false},
		{"ten frames every 100 microseconds", 100 * time.Microsecond, 10, 30, true},
		{"one frame every 20 microseconds", 20 * time.Microsecond, 1, 200, true},
		{"the first millisecond of a stream", 100 * time.Microsecond, 10, 9, false},
	} {
		var p readModerator
		now := time.Unix(0, 0)
		rests := false
		for range c.wakes {
			now = now.Add(c.every)
			rests = p.drained(now)
			p.count(c.frames)
		}
		if rests != c.rests {
			t.Errorf("%s: rests %v, want %v", c.what, rests, c.rests)
		}
		if p.drained(now.Add(5 * time.Millisecond)) {
			t.Errorf("%s: rests for what comes after a pause", c.what)
		}
	}
}
