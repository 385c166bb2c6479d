package chap_test

import (
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

// FuzzResume: what is accepted is encoded as it was read, and challenges the peer again.
func FuzzResume(f *testing.F) {
	ppptest.FuzzResume(f, chap.MSv2, "\x01\x01\x07\x02\x04user\x03\x01\x01\x04\x02ok\x05\x08\x00\x00\x00\x02\x00\x00\x00\x00", "\x01\x01\x07\x02\x04user\x03\x00\x04\x00")
}

// TestResume: a resumed authenticator repeats its Success, challenges the peer again after the time that was
// left, or at once if a Challenge was outstanding, and requires the same user.
func TestResume(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		timers := ppp.AuthTimers{Rechallenge: time.Minute}
		a, challenge := startAuthenticator(t, m, timers)
		if _, ok := a.(ppp.ResumableAuthenticator).AppendState(nil, start); ok {
			t.Error("it has a state before the peer is authenticated")
		}
		var q ppp.Queue
		response := respond(t, m, password, challenge)
		ppptest.Receive(t, a, start, response, &q)
		a.SetResult(start, ppp.AuthResult{Accepted: true, Message: "welcome"}, &q)
		success := ppptest.Only(t, ppp.CHAP, &q)

		resumed := resume(t, m, a, at(20*time.Second), at(time.Hour), timers)
		q.Reset()
		ppptest.Receive(t, resumed, at(time.Hour), response, &q)
		if again := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(again, success) {
			t.Errorf("a repeated Response gets %v, not %v", again, success)
		}
		if d := resumed.Deadline().Sub(at(time.Hour)); d != 40*time.Second {
			t.Errorf("it challenges after %v", d)
		}
		q.Reset()
		a.Advance(at(time.Minute), &q)
		outstanding := ppptest.Only(t, ppp.CHAP, &q)
		resumed = resume(t, m, a, at(time.Minute), at(time.Hour), timers)
		if _, err := resumed.Receive(at(time.Hour), respond(t, m, password, outstanding), &q); err != ppp.ErrStale {
			t.Errorf("a Response to the Challenge of before: error %v", err)
		}
		q.Reset()
		resumed.Advance(at(time.Hour), &q)
		if fresh := ppptest.Only(t, ppp.CHAP, &q); ppptest.Equal(fresh, outstanding) || fresh.Code != chap.Challenge {
			t.Errorf("it sends %v after %v", fresh, outstanding)
		}
		for d, want := range map[time.Duration]time.Time{0: {}, time.Second: at(time.Hour + time.Second)} {
			if got := resume(t, m, resumed, at(0), at(time.Hour), ppp.AuthTimers{Rechallenge: d}).Deadline(); d == 0 && got != want || got.After(want) {
				t.Errorf("it challenges at %v where challenges are %v apart", got, d)
			}
		}
	})
}

// resume returns an authenticator that continues another.
func resume(t *testing.T, m chap.Algorithm, a ppp.Authenticator, encoded, resumed time.Time, timers ppp.AuthTimers) ppp.Authenticator {
	t.Helper()
	state, ok := a.(ppp.ResumableAuthenticator).AppendState(nil, encoded)
	next := m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: random(3), Timers: timers}).(ppp.ResumableAuthenticator)
	if err := next.Resume(state, resumed); err != nil || !ok {
		t.Fatal(err, ok)
	}
	return next
}
