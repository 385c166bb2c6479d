package chap_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

var start = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

// dice is randomness that is the same in every run.
func dice(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func knows(secret string) func(string) ([]byte, bool) {
	return func(string) ([]byte, bool) { return []byte(secret), true }
}

func credentials(secret string) ppp.Credentials {
	return ppp.Credentials{Name: "testuser", Secret: knows(secret), Rand: dice(1)}
}

// demanding begins an exchange as the authenticator, and returns its first
// challenge.
func demanding(t testing.TB, m chap.Algorithm, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	d := m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: dice(2), Timers: timers})
	d.Start(start, &q)
	return d, ppptest.Only(t, ppp.CHAP, &q)
}

// respond is what a peer that knows the secret answers to a challenge.
func respond(t testing.TB, m chap.Algorithm, secret string, challenge ppp.Control) ppp.Control {
	t.Helper()
	var q ppp.Queue
	ppptest.Receive(t, m.NewPeer(credentials(secret)), start, challenge, &q)
	return ppptest.Only(t, ppp.CHAP, &q)
}

func algorithms(t *testing.T, f func(*testing.T, chap.Algorithm)) {
	for _, m := range []chap.Algorithm{chap.MD5, chap.MSv2} {
		t.Run(fmt.Sprint(m), func(t *testing.T) { f(t, m) })
	}
}

// A whole exchange as pppd would log it, by both algorithms, with the right and
// with a wrong password.
func TestWholeExchange(t *testing.T) {
	const proves = "S="
	for _, c := range []struct {
		method  chap.Algorithm
		secret  string
		outcome ppp.Outcome
		code    ppp.Code
		text    string // what the peer is told, as it understands it
	}{
		{chap.MD5, password, ppp.Succeeded, chap.Success, "Access granted"},
		{chap.MD5, "wrong", ppp.Failed, chap.Failure, "Access denied"},
		{chap.MSv2, password, ppp.Succeeded, chap.Success, "Access granted"},
		{chap.MSv2, "wrong", ppp.Failed, chap.Failure, "Access denied"},
	} {
		var q ppp.Queue
		demand, challenge := demanding(t, c.method, ppp.AuthTimers{})
		answer := c.method.NewPeer(credentials(c.secret))
		answer.Start(start, &q)
		if step := ppptest.Receive(t, answer, start, challenge, &q); step.Outcome != ppp.Pending {
			t.Errorf("%v: challenged: %+v", c.method, step)
		}
		asked := ppptest.Receive(t, demand, start, ppptest.Only(t, ppp.CHAP, &q), &q)
		if asked.Outcome != ppp.AwaitingResult || asked.Name != "testuser" || asked.Response.User() != "testuser" {
			t.Fatalf("%v: %+v, want the proof of testuser", c.method, asked)
		}
		message, ok := asked.Response.Verify([]byte(password))
		judged := demand.SetResult(start, ppp.AuthResult{Accepted: ok, Message: message}, &q)
		verdict := ppptest.Only(t, ppp.CHAP, &q)
		step := ppptest.Receive(t, answer, start, verdict, &q)
		if judged.Outcome != c.outcome || step.Outcome != c.outcome || verdict.Code != c.code {
			t.Errorf("%v with %q: authenticator %+v, peer %+v, code %d", c.method, c.secret, judged, step, verdict.Code)
		}
		if step.Message != c.text || step.Name != "testuser" {
			t.Errorf("%v with %q: told %q as %q, want %q", c.method, c.secret, step.Message, step.Name, c.text)
		}
		if c.method == chap.MSv2 && c.code == chap.Success && !bytes.HasPrefix(verdict.Data, []byte(proves)) {
			t.Errorf("MS-CHAPv2 succeeds by %q", verdict.Data)
		}
	}
}

func TestMethod(t *testing.T) {
	for m, want := range map[chap.Algorithm]string{chap.MD5: "c22305 MD5", chap.MSv2: "c22381 MS-v2"} {
		if got := fmt.Sprintf("%x %v", m.Option(), m); got != want || m.Name() != "CHAP" {
			t.Errorf("%s, log name %s; want %s", got, m.Name(), want)
		}
	}
}

// TestMarked: a challenge that another session with the same key has sent is not answered; without
// the key, or under another, it is.
func TestMarked(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		for sent, want := range map[string]bool{"key": true, "other": false, "": false} {
			var q ppp.Queue
			d := m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Key: []byte(sent), Rand: dice(3)})
			d.Start(start, &q)
			challenge := ppptest.Only(t, ppp.CHAP, &q)
			who := credentials(password)
			who.Key = []byte("key")
			_, err := m.NewPeer(who).Receive(start, challenge, &q)
			if errors.Is(err, ppp.ErrReflected) != want || (q.Len() == 0) != want {
				t.Errorf("sent with the key %q: %v, %d packets; want it refused %v", sent, err, q.Len(), want)
			}
		}
	})
}
