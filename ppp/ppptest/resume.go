package ppptest

import (
	"bytes"
	"testing"
	"time"

	"upppoe/ppp"
)

// FuzzResume resumes an authenticator of a method with arbitrary states, as a fuzz target that begins with
// the seeds. What is accepted is encoded as it was read, is authenticated, and challenges the peer
// again; packets that come before are not responses to it.
func FuzzResume(f *testing.F, m ppp.Method, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	authenticator := func() ppp.ResumableAuthenticator {
		return m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: Random(1), Timers: ppp.AuthTimers{Rechallenge: time.Minute}}).(ppp.ResumableAuthenticator)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		a, again := authenticator(), authenticator()
		if a.Resume(state, Epoch) != nil {
			return
		}
		encoded, ok := a.AppendState(nil, Epoch)
		if err := again.Resume(encoded, Epoch); err != nil || !ok {
			t.Fatalf("state %x, encoded again %x: %v", state, encoded, err)
		}
		if b, ok := again.AppendState(nil, Epoch); !ok || !bytes.Equal(b, encoded) {
			t.Errorf("state %x, encoded again %x", encoded, b)
		}
		var q ppp.Queue
		for id := range 256 {
			if step, _ := a.Receive(Epoch, ppp.Control{Code: 2, ID: byte(id), Data: []byte("\x04\x01234user")}, &q); step.Outcome != ppp.Pending {
				t.Errorf("outcome %v of a response to nothing", step.Outcome)
			}
		}
		if d := a.Deadline(); d.After(Epoch.Add(time.Minute)) {
			t.Errorf("the next challenge is sent after %v", d.Sub(Epoch))
		} else if q.Reset(); !d.IsZero() {
			a.Advance(d, &q)
			Only(t, a.Protocol(), &q)
		}
	})
}
