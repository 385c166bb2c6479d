package chap_test

import (
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
)

// FuzzChap sends arbitrary packets to both roles. In the script each packet is preceded
// by its length and by the time that passes before it. Nothing panics, no packet has more
// than one answer, and nobody is authenticated without a result or a Success.
func FuzzChap(f *testing.F) {
	for _, s := range []string{golden.md5Challenge, golden.md5Response, golden.md5Success, golden.msChallenge, golden.msResponse, golden.msSuccess, golden.badFailure} {
		b := unhex(f, s)
		f.Add(append([]byte{byte(len(b)), 0}, b...))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 4096 {
			return
		}
		for _, m := range []chap.Algorithm{chap.MD5, chap.MSv2} {
			authenticator, _ := startAuthenticator(t, m, ppp.AuthTimers{Rechallenge: time.Minute})
			creds := credentials(password)
			creds.Authenticator = authenticator
			peer := m.NewPeer(creds)
			play(t, script, peer, authenticator)
		}
	})
}

func play(t *testing.T, script []byte, peer ppp.AuthExchange, authenticator ppp.Authenticator) {
	var q ppp.Queue
	now := start
	peer.Start(now, &q)
	for len(script) > 2 {
		n := min(int(script[0]), len(script)-2)
		now = now.Add(time.Duration(script[1]) * 100 * time.Millisecond)
		c, err := ppp.ParseControl(script[2 : 2+n])
		script = script[2+n:]
		for _, x := range []ppp.AuthExchange{peer, authenticator} {
			q.Reset()
			if step := x.Advance(now, &q); step.Outcome == ppp.Succeeded || q.Len() > 1 {
				t.Fatalf("time alone: %+v, %d packets sent", step, q.Len())
			}
			if err != nil {
				continue
			}
			q.Reset()
			step, err := x.Receive(now, c, &q)
			if q.Len() > 1 || err != nil && (q.Len() > 0 || step.Outcome != ppp.Pending) {
				t.Fatalf("%v: %+v, error %v, %d packets sent", c, step, err, q.Len())
			}
			if step.Outcome == ppp.Succeeded && (x == authenticator || c.Code != chap.Success) {
				t.Fatalf("%v: succeeded", c)
			}
			if step.Outcome == ppp.AwaitingResult {
				if _, ok := step.Response.Verify([]byte(password)); ok {
					t.Fatalf("%v: guessed the password", c)
				}
				authenticator.SetResult(now, ppp.AuthResult{}, &q)
			}
		}
	}
}
