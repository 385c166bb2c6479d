package pppoe

import (
	"errors"
	"slices"
	"testing"
	"time"

	"upppoe/ppp/session"
)

var redialEpoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func ended(c session.Cause, lasted time.Duration) error {
	return &EndError{Reason: session.Reason{Cause: c}, Online: lasted > 0, Uptime: lasted}
}

func backoffOf(r Redial) *backoff {
	r.Jitter = func() float64 { return 0 }
	return &backoff{Redial: r}
}

func TestRedialAgain(t *testing.T) {
	for _, c := range []struct {
		what     string
		redial   Redial
		failures int
		err      error
		again    bool
	}{
		{"no Persist", Redial{}, 1, ErrDiscovery, false},
		{"persist", Redial{Persist: true}, 1, ErrDiscovery, true},
		{"ten failures", Redial{Persist: true}, 10, ErrDiscovery, false},
		{"any number", Redial{Persist: true, MaxFail: -1}, 1000, ErrDiscovery, true},
		{"ended by the user", Redial{Persist: true}, 0, ended(session.CauseUserRequest, time.Hour), false},
	} {
		p := backoffOf(c.redial)
		p.failures = c.failures
		if again := p.shouldRedial(c.err); again != c.again {
			t.Errorf("%s: again %v, want %v", c.what, again, c.again)
		}
	}
}

// TestRedialPauses: the pauses after a series of ends.
func TestRedialPauses(t *testing.T) {
	s := time.Second
	online := ended(session.CausePeerTerminated, s)
	rejected := ended(session.CauseNotAuthenticated, 0)
	for _, c := range []struct {
		what   string
		redial Redial
		ends   []error
		want   []time.Duration
	}{
		{"failures double the pause", Redial{}, []error{ErrDiscovery, ErrDiscovery, ErrDiscovery, ErrDiscovery, ErrDiscovery},
			[]time.Duration{30 * s, 60 * s, 120 * s, 240 * s, 240 * s}},
		{"no hold-off", Redial{Holdoff: -1}, []error{errors.New("x"), errors.New("x")}, []time.Duration{0, 0}},
		{"a lost session is redialled at once, unless it was just before", Redial{Holdoff: 5 * s}, []error{online, online, online, ErrDiscovery},
			[]time.Duration{0, 5 * s, 0, 5 * s}},
		{"rejected passwords", Redial{Holdoff: -1}, []error{rejected, rejected, rejected, rejected, rejected, rejected, ErrDiscovery},
			[]time.Duration{10 * s, 10 * s, 300 * s, 10 * s, 10 * s, 300 * s, 0}},
	} {
		p, now := backoffOf(c.redial), redialEpoch
		var got []time.Duration
		for _, err := range c.ends {
			p.record(now, err)
			pause := p.delay(now, err)
			got = append(got, pause)
			now = now.Add(pause)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: pauses %v, want %v", c.what, got, c.want)
		}
	}
}

// TestRedialAfterPADT: the first session that a PADT ends before it was online is redialled at once, as
// when the concentrator was restarted. After more of them the pauses grow, whatever the hold-off, as it may reject
// passwords so. Only a session that was online makes them begin anew.
func TestRedialAfterPADT(t *testing.T) {
	s := time.Second
	hungUp := ended(session.CauseHangUp, 0)
	for _, c := range []struct {
		what    string
		holdoff time.Duration
		ends    []error
		want    []time.Duration
	}{
		{"short hold-off", s, []error{hungUp, hungUp, hungUp, hungUp, hungUp, hungUp, hungUp, hungUp},
			[]time.Duration{0, 10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 300 * s, 300 * s}},
		{"default hold-off", 0, []error{hungUp, hungUp, hungUp, hungUp, hungUp, hungUp, hungUp},
			[]time.Duration{0, 60 * s, 120 * s, 240 * s, 240 * s, 240 * s, 300 * s}},
		{"no hold-off", -1, []error{hungUp, hungUp, hungUp}, []time.Duration{0, 10 * s, 20 * s}},
		{"other failures in between", s, []error{hungUp, ErrDiscovery, hungUp, ErrDiscovery, hungUp},
			[]time.Duration{0, 2 * s, 10 * s, 8 * s, 20 * s}},
		{"a lost session in between", 5 * s, []error{hungUp, hungUp, ended(session.CauseHangUp, time.Hour), hungUp, hungUp},
			[]time.Duration{0, 10 * s, 0, 10 * s, 10 * s}},
	} {
		p, now := backoffOf(Redial{Persist: true, Holdoff: c.holdoff}), redialEpoch
		var got []time.Duration
		for _, err := range c.ends {
			p.receivedPADT = err != ErrDiscovery
			p.record(now, err)
			if p.hangUps == 1 && err == hungUp && !p.lostAt.Equal(now) {
				t.Errorf("%s: no window of fast retries after the first PADT", c.what)
			}
			if p.rejected != (err == hungUp) {
				t.Errorf("%s: rejected is %v after %v", c.what, p.rejected, err)
			}
			pause := p.delay(now, err)
			got = append(got, pause)
			now = now.Add(pause)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: pauses %v, want %v", c.what, got, c.want)
		}
	}
}

// TestRedialJitter: clients that fail together redial at different times.
func TestRedialJitter(t *testing.T) {
	first, last := backoffOf(Redial{Holdoff: 10 * time.Second}), &backoff{Redial: Redial{Holdoff: 10 * time.Second, Jitter: func() float64 { return 0.999 }}}
	for _, p := range []*backoff{first, last} {
		p.record(redialEpoch, ErrDiscovery)
	}
	if a, b := first.delay(redialEpoch, ErrDiscovery), last.delay(redialEpoch, ErrDiscovery); a != 10*time.Second || b < 11900*time.Millisecond || b > 12*time.Second {
		t.Errorf("pauses from %v to %v, want from 10 s to 12 s", a, b)
	}
}

func TestFastRetryWindow(t *testing.T) {
	p := backoffOf(Redial{Persist: true})
	p.record(redialEpoch, ErrDiscovery)
	if e := p.fastRetryWindow(redialEpoch); e != 0 {
		t.Errorf("a window of %v without a lost session", e)
	}
	p.record(redialEpoch, ended(session.CausePeerDead, time.Second))
	if e := p.fastRetryWindow(redialEpoch.Add(time.Minute)); e != time.Minute {
		t.Errorf("a minute after the loss a window of %v, want one more minute", e)
	}
	if e := p.fastRetryWindow(redialEpoch.Add(time.Hour)); e != 0 {
		t.Errorf("an hour after the loss a window of %v", e)
	}
}

// TestRedialMaxFail: the limit of consecutive failures, on both sides.
func TestRedialMaxFail(t *testing.T) {
	for _, c := range []struct {
		limit, failures int
		again           bool
	}{{0, 9, true}, {0, 10, false}, {1, 0, true}, {1, 1, false}, {3, 2, true}, {3, 3, false}, {-1, 1 << 30, true}} {
		p := backoffOf(Redial{Persist: true, MaxFail: c.limit})
		p.failures = c.failures
		if again := p.shouldRedial(ErrDiscovery); again != c.again {
			t.Errorf("MaxFail %d, %d failures: again %v, want %v", c.limit, c.failures, again, c.again)
		}
	}
}

// TestRedialCounts: what counts as a failure, as a rejected password, and as the loss of a session.
func TestRedialCounts(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		what               string
		err                error
		failures, rejected int
		lost               bool
	}{
		{"no concentrator", ErrDiscovery, 3, 0, false},
		{"a rejected password", ended(session.CauseNotAuthenticated, 0), 3, 2, false},
		{"a password rejected later", ended(session.CauseNotAuthenticated, s), 0, 2, false},
		{"hung up", ended(session.CauseHangUp, s), 0, 0, true},
		{"hung up before it was online", ended(session.CauseHangUp, 0), 3, 0, false},
		{"terminated by the peer", ended(session.CausePeerTerminated, s), 0, 0, true},
		{"no echo", ended(session.CausePeerDead, s), 0, 0, true},
		{"idle", ended(session.CauseIdle, s), 0, 0, false},
		{"ended by the user", ended(session.CauseUserRequest, s), 0, 0, false},
	} {
		p := backoffOf(Redial{Persist: true})
		p.failures, p.authFailures = 2, 1
		p.record(redialEpoch, c.err)
		if p.failures != c.failures || p.authFailures != c.rejected || p.lostAt.Equal(redialEpoch) != c.lost {
			t.Errorf("%s: %d failures, %d rejected, lost %v; want %+v", c.what, p.failures, p.authFailures, p.lostAt, c)
		}
	}
}

// TestRedialAtOnce: a session that was online is redialled within half a second, unless that was
// done within the hold-off; one whose interface was lost, always.
func TestRedialAtOnce(t *testing.T) {
	const s = time.Second
	online := ended(session.CausePeerDead, s)
	for _, c := range []struct {
		what   string
		quick  time.Duration // how long ago it was dialled at once; 0: never
		byLink bool
		err    error
		want   time.Duration
	}{
		{"never before", 0, false, online, 250 * time.Millisecond},
		{"just within the hold-off", 10*s - 1, false, online, 11 * s},
		{"just after it", 10 * s, false, online, 250 * time.Millisecond},
		{"interface lost", s, true, online, 250 * time.Millisecond},
		{"interface lost before it was online", s, true, ErrDiscovery, 250 * time.Millisecond},
		{"not online", 0, false, ErrDiscovery, 11 * s},
	} {
		p := &backoff{Redial: Redial{Holdoff: 10 * s, Jitter: func() float64 { return 0.5 }}, interfaceFailed: c.byLink}
		if c.quick > 0 {
			p.fastDialAt = redialEpoch.Add(-c.quick)
		}
		got := p.delay(redialEpoch, c.err)
		if got != c.want || (got < s) != p.fastDialAt.Equal(redialEpoch) {
			t.Errorf("%s: a pause of %v, noted at %v; want %v", c.what, got, p.fastDialAt, c.want)
		}
	}
}

// TestFastRetryWindowBounds: two minutes after a loss, and only with Persist.
func TestFastRetryWindowBounds(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{0: 2 * time.Minute, 2*time.Minute - 1: 1, 2 * time.Minute: 0, 2*time.Minute + 1: 0} {
		for _, persist := range []bool{true, false} {
			p := backoff{Redial: Redial{Persist: persist}, lostAt: redialEpoch}
			if got := p.fastRetryWindow(redialEpoch.Add(after)); persist && got != want || !persist && got != 0 {
				t.Errorf("persist %v, %v after the loss: a window of %v", persist, after, got)
			}
		}
	}
}
