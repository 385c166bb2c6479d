package pppoe

import (
	"errors"
	"slices"
	"testing"
	"time"

	"upppoe/ppp/session"
)

var epoch0 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func ended(c session.Cause, lasted time.Duration) error {
	return &EndError{Reason: session.Reason{Cause: c}, Online: lasted > 0, Lasted: lasted}
}

func paceOf(r Redial) *pace {
	r.Jitter = func() float64 { return 0 }
	return &pace{Redial: r}
}

func TestRedialAgain(t *testing.T) {
	for _, c := range []struct {
		what     string
		redial   Redial
		failures int
		err      error
		again    bool
	}{
		{"nothing is asked for", Redial{}, 1, ErrDiscovery, false},
		{"persist", Redial{Persist: true}, 1, ErrDiscovery, true},
		{"ten failures", Redial{Persist: true}, 10, ErrDiscovery, false},
		{"any number", Redial{Persist: true, MaxFail: -1}, 1000, ErrDiscovery, true},
		{"told to stop", Redial{Persist: true}, 0, ended(session.UserRequest, time.Hour), false},
	} {
		p := paceOf(c.redial)
		p.failures = c.failures
		if again := p.again(c.err); again != c.again {
			t.Errorf("%s: again %v, want %v", c.what, again, c.again)
		}
	}
}

// TestRedialPauses plays one end after the other, as soon as may be.
func TestRedialPauses(t *testing.T) {
	s := time.Second
	online := ended(session.PeerTerminated, s)
	refused := ended(session.NotAuthenticated, 0)
	for _, c := range []struct {
		what   string
		redial Redial
		ends   []error
		want   []time.Duration
	}{
		{"failures double the pause", Redial{}, []error{ErrDiscovery, ErrDiscovery, ErrDiscovery, ErrDiscovery, ErrDiscovery},
			[]time.Duration{30 * s, 60 * s, 120 * s, 240 * s, 240 * s}},
		{"no hold-off", Redial{Holdoff: -1}, []error{errors.New("x"), errors.New("x")}, []time.Duration{0, 0}},
		{"a lost session is dialled at once, unless it was just before", Redial{Holdoff: 5 * s}, []error{online, online, online, ErrDiscovery},
			[]time.Duration{0, 5 * s, 0, 5 * s}},
		{"refused passwords", Redial{Holdoff: -1}, []error{refused, refused, refused, refused, refused, refused, ErrDiscovery},
			[]time.Duration{10 * s, 10 * s, 300 * s, 10 * s, 10 * s, 300 * s, 0}},
	} {
		p, now := paceOf(c.redial), epoch0
		var got []time.Duration
		for _, err := range c.ends {
			p.ended(now, err)
			pause := p.pause(now, err)
			got = append(got, pause)
			now = now.Add(pause)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: pauses %v, want %v", c.what, got, c.want)
		}
	}
}

// TestRedialSpread: clients that fail together come back apart.
func TestRedialSpread(t *testing.T) {
	first, last := paceOf(Redial{Holdoff: 10 * time.Second}), &pace{Redial: Redial{Holdoff: 10 * time.Second, Jitter: func() float64 { return 0.999 }}}
	for _, p := range []*pace{first, last} {
		p.ended(epoch0, ErrDiscovery)
	}
	if a, b := first.pause(epoch0, ErrDiscovery), last.pause(epoch0, ErrDiscovery); a != 10*time.Second || b < 11900*time.Millisecond || b > 12*time.Second {
		t.Errorf("pauses from %v to %v, want from 10 s to 12 s", a, b)
	}
}

func TestRedialEager(t *testing.T) {
	p := paceOf(Redial{Persist: true})
	p.ended(epoch0, ErrDiscovery)
	if e := p.eager(epoch0); e != 0 {
		t.Errorf("eager for %v without a session to get back", e)
	}
	p.ended(epoch0, ended(session.PeerDead, time.Second))
	if e := p.eager(epoch0.Add(time.Minute)); e != time.Minute {
		t.Errorf("a minute after the loss eager for %v, want one more minute", e)
	}
	if e := p.eager(epoch0.Add(time.Hour)); e != 0 {
		t.Errorf("an hour after the loss eager for %v", e)
	}
}
