package ppptest

import (
	"testing"
	"time"

	"upppoe/ppp"
)

// AppendScript appends a packet to a script of FuzzExchange, after a delay in units of 100 ms.
func AppendScript(script []byte, delay byte, c ppp.Control) []byte {
	b := c.AppendTo(nil)
	return append(append(script, byte(len(b)), delay), b...)
}

// FuzzExchange delivers arbitrary packets to both roles, from the Epoch on, and starts the peer. In
// the script each packet is preceded by its length and by the time that passes before it, in units
// of 100 ms. Time alone does not authenticate anybody, no call sends more than one packet, and a
// dropped packet has no effect; check receives each step and the packet that was sent, if any. Each
// credential is rejected.
func FuzzExchange(t *testing.T, script []byte, peer ppp.AuthExchange, authenticator ppp.Authenticator, check func(x ppp.AuthExchange, c ppp.Control, step ppp.Step, sent int)) {
	t.Helper()
	if len(script) > 4096 {
		return
	}
	f := fuzzedExchange{t, Epoch, authenticator, check}
	var q ppp.Queue
	peer.Start(f.now, &q)
	for len(script) > 2 {
		n := min(int(script[0]), len(script)-2)
		f.now = f.now.Add(time.Duration(script[1]) * 100 * time.Millisecond)
		c, err := ppp.ParseControl(script[2 : 2+n])
		script = script[2+n:]
		for _, x := range []ppp.AuthExchange{peer, authenticator} {
			f.advance(x)
			if err == nil {
				f.receive(x, c)
			}
		}
	}
}

type fuzzedExchange struct {
	t             *testing.T
	now           time.Time
	authenticator ppp.Authenticator
	check         func(ppp.AuthExchange, ppp.Control, ppp.Step, int)
}

func (f *fuzzedExchange) advance(x ppp.AuthExchange) {
	f.t.Helper()
	var q ppp.Queue
	if step := x.Advance(f.now, &q); step.Outcome == ppp.Succeeded || q.Len() > 1 {
		f.t.Fatalf("time alone: %+v, %d packets sent", step, q.Len())
	}
}

func (f *fuzzedExchange) receive(x ppp.AuthExchange, c ppp.Control) {
	f.t.Helper()
	var q ppp.Queue
	step, err := x.Receive(f.now, c, &q)
	if q.Len() > 1 || err != nil && (q.Len() > 0 || step.Outcome != ppp.Pending) {
		f.t.Fatalf("%v: %+v, error %v, %d packets sent", c, step, err, q.Len())
	}
	f.check(x, c, step, q.Len())
	if step.Outcome != ppp.AwaitingResult {
		return
	}
	if result := f.authenticator.SetResult(f.now, ppp.AuthResult{}, &q); result.Outcome != ppp.Failed {
		f.t.Fatalf("%v: a rejected credential leads to %+v", c, result)
	}
}

// CheckNotGuessed checks that a packet of FuzzExchange is not a credential that the password
// verifies.
func CheckNotGuessed(t *testing.T, c ppp.Control, step ppp.Step, password string) {
	t.Helper()
	if step.Outcome != ppp.AwaitingResult {
		return
	}
	if _, ok := step.Response.Verify([]byte(password)); ok {
		t.Fatalf("%v: guessed the password", c)
	}
}
