package discovery

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// PADODelay is how long a concentrator waits before it answers a PADI, by its number of sessions:
// of several concentrators on a segment, the one that waits least gets the clients. Steps are in
// ascending order of Sessions. The zero value does not wait.
type PADODelay []DelayStep

// DelayStep is the delay from a number of sessions on; negative: PADIs are not answered.
type DelayStep struct {
	Sessions int
	Delay    time.Duration
}

// maxPADODelay is less than the default lifetime of the cookie that a PADO has.
const maxPADODelay = 30 * time.Second

// Errors of ParsePADODelay, wrapped together with the invalid text.
var (
	ErrDelay      = fmt.Errorf("give a delay in milliseconds, at most %d, or -1 for no answer", maxPADODelay/time.Millisecond)
	ErrDelaySteps = errors.New("give delays like 0,100:100,200:500,-1:1000: the first alone, then DELAY:SESSIONS with more sessions each")
)

// ParsePADODelay parses accel-ppp's pado-delay: a delay in milliseconds, and after it others with
// the number of sessions from which on they apply, separated by commas: "0,100:100,200:500,-1:1000".
// A delay of -1 is for no answer. Spaces are ignored. The error wraps one of the errors above.
func ParsePADODelay(text string) (d PADODelay, err error) {
	for i, item := range strings.Split(strings.ReplaceAll(text, " ", ""), ",") {
		delay, sessions, counted := strings.Cut(item, ":")
		step := DelayStep{}
		if step.Delay, err = parseDelay(delay); err != nil {
			return nil, fmt.Errorf("%q: %w", item, err)
		}
		if counted {
			n, err := strconv.ParseUint(sessions, 10, 31)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", item, ErrDelaySteps)
			}
			step.Sessions = int(n)
		}
		if counted == (i == 0) || i > 0 && step.Sessions <= d[i-1].Sessions {
			return nil, fmt.Errorf("%q: %w", item, ErrDelaySteps)
		}
		d = append(d, step)
	}
	return d, nil
}

func parseDelay(text string) (time.Duration, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	delay := time.Duration(n) * time.Millisecond
	if err != nil || n < -1 || delay > maxPADODelay {
		return 0, ErrDelay
	}
	return delay, nil
}

// String returns the delays as ParsePADODelay reads them.
func (d PADODelay) String() string {
	items := make([]string, len(d))
	for i, s := range d {
		items[i] = strconv.FormatInt(s.Delay.Milliseconds(), 10)
		if i > 0 {
			items[i] += ":" + strconv.Itoa(s.Sessions)
		}
	}
	return strings.Join(items, ",")
}

// At returns the delay at a number of sessions; answer is false if PADIs are not answered.
func (d PADODelay) At(sessions int) (delay time.Duration, answer bool) {
	for _, s := range d {
		if sessions >= s.Sessions {
			delay = s.Delay
		}
	}
	return max(delay, 0), delay >= 0
}
