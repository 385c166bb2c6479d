package discovery

import (
	"errors"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestParsePADODelay(t *testing.T) {
	for text, want := range map[string]PADODelay{
		"0":                         {{0, 0}},
		"1500":                      {{0, 1500 * ms}},
		"-1":                        {{0, -ms}},
		"0,100:100,200:500,-1:1000": {{0, 0}, {100, 100 * ms}, {500, 200 * ms}, {1000, -ms}},
		"30000,0:1":                 {{0, 30 * time.Second}, {1, 0}},
	} {
		if d, err := ParsePADODelay(text); !slices.Equal(d, want) || err != nil || d.String() != text {
			t.Errorf("%q: %v, %v, printed %q", text, d, err, d.String())
		}
	}
	if d, err := ParsePADODelay("0, 100:100 , -1:1000"); d.String() != "0,100:100,-1:1000" || err != nil {
		t.Errorf("with spaces: %v, %v", d, err)
	}
	for text, want := range map[string]error{
		"": ErrDelay, "x": ErrDelay, "-2": ErrDelay, "30001": ErrDelay, "0,": ErrDelay, "1e3": ErrDelay, "0,:5": ErrDelay, "99999999999": ErrDelay,
		"0:5": ErrDelaySteps, "0,100": ErrDelaySteps, "0,100:": ErrDelaySteps, "0,100:-1": ErrDelaySteps, "0,100:0": ErrDelaySteps,
		"0,100:5,200:5": ErrDelaySteps, "0,100:5,200:4": ErrDelaySteps, "0,100:5:6": ErrDelaySteps, "0,100:2147483648": ErrDelaySteps,
	} {
		if d, err := ParsePADODelay(text); !errors.Is(err, want) || d != nil {
			t.Errorf("%q: %v, %v, want %v", text, d, err, want)
		}
	}
}

// TestPADODelayAt: a step applies from its number of sessions on, until the next.
func TestPADODelayAt(t *testing.T) {
	d, _ := ParsePADODelay("0,100:100,200:500,-1:1000")
	for sessions, want := range map[int]time.Duration{0: 0, 99: 0, 100: 100 * ms, 499: 100 * ms, 500: 200 * ms, 999: 200 * ms} {
		if got, answer := d.At(sessions); got != want || !answer {
			t.Errorf("%d sessions: %v, %v, want %v", sessions, got, answer, want)
		}
	}
	for _, sessions := range []int{1000, 65534} {
		if _, answer := d.At(sessions); answer {
			t.Errorf("%d sessions: PADIs are answered", sessions)
		}
	}
	if got, answer := (PADODelay)(nil).At(7); got != 0 || !answer {
		t.Errorf("without steps: %v, %v", got, answer)
	}
}

// FuzzParsePADODelay: delays that are read, printed and read again are the same, and within bounds.
func FuzzParsePADODelay(f *testing.F) {
	for _, s := range []string{"", "0", "-1", "0,100:100,200:500,-1:1000", "0,1:1,2:1", "5:5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParsePADODelay(s)
		if err != nil {
			return
		}
		if again, err := ParsePADODelay(d.String()); !slices.Equal(again, d) || err != nil {
			t.Errorf("%q is %v, which is %v, %v", s, d, again, err)
		}
		for _, step := range d {
			if delay, answer := d.At(step.Sessions); delay > maxPADODelay || answer != (step.Delay >= 0) {
				t.Errorf("%q: %v, %v at %d sessions", s, delay, answer, step.Sessions)
			}
		}
	})
}
