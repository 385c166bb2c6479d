package pppoe

import (
	"errors"
	"testing"
	"time"

	"upppoe/ppp/session"
)

func TestRedialRules(t *testing.T) {
	ended := func(c session.Cause, lasted time.Duration) error {
		return &EndError{Reason: session.Reason{Cause: c}, Online: lasted > 0, Lasted: lasted}
	}
	for _, c := range []struct {
		what     string
		redial   Redial
		failures int
		err      error
		again    bool
		pause    time.Duration
	}{
		{"nothing is asked for", Redial{}, 1, ErrDiscovery, false, 30 * time.Second},
		{"persist", Redial{Persist: true}, 1, ErrDiscovery, true, 30 * time.Second},
		{"ten failures", Redial{Persist: true}, 10, ErrDiscovery, false, 30 * time.Second},
		{"any number", Redial{Persist: true, MaxFail: -1}, 1000, ErrDiscovery, true, 30 * time.Second},
		{"no hold-off", Redial{Persist: true, Holdoff: -1}, 1, errors.New("x"), true, 0},
		{"told to stop", Redial{Persist: true}, 0, ended(session.UserRequest, time.Hour), false, 30 * time.Second},
		{"a long session hung up on", Redial{Persist: true}, 0, ended(session.HangUp, time.Hour), true, 0},
		{"a short one", Redial{Persist: true}, 0, ended(session.HangUp, time.Second), true, 30 * time.Second},
		{"a long one that died", Redial{Persist: true}, 0, ended(session.PeerDead, time.Hour), true, 30 * time.Second},
	} {
		if again, pause := c.redial.again(c.failures, c.err), c.redial.pause(c.err); again != c.again || pause != c.pause {
			t.Errorf("%s: again %v after %v, want %v after %v", c.what, again, pause, c.again, c.pause)
		}
	}
}
