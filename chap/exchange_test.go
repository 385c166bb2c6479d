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

var start = ppptest.Epoch

func at(d time.Duration) time.Time { return start.Add(d) }

// random returns a source of random octets that is the same in every run.
func random(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func secretFunc(secret string) func(string) ([]byte, bool) {
	return func(string) ([]byte, bool) { return []byte(secret), true }
}

func credentials(secret string) ppp.Credentials {
	return ppp.Credentials{Name: "testuser", Secret: secretFunc(secret), Rand: random(1)}
}

// startAuthenticator begins an exchange as the authenticator, and returns it with its
// first Challenge.
func startAuthenticator(t testing.TB, m chap.Algorithm, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	a := m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: random(2), Timers: timers})
	a.Start(start, &q)
	return a, ppptest.Only(t, ppp.CHAP, &q)
}

// respond returns the Response of a peer that knows the secret.
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

// A whole exchange by both algorithms, with the right and with a wrong password.
func TestWholeExchange(t *testing.T) {
	for _, c := range []struct {
		method  chap.Algorithm
		secret  string
		outcome ppp.Outcome
		code    ppp.Code
		text    string // the peer's Step.Message
	}{
		{chap.MD5, password, ppp.Succeeded, chap.Success, "Access granted"},
		{chap.MD5, "wrong", ppp.Failed, chap.Failure, "Access denied"},
		{chap.MSv2, password, ppp.Succeeded, chap.Success, "Access granted"},
		{chap.MSv2, "wrong", ppp.Failed, chap.Failure, "Access denied"},
	} {
		var q ppp.Queue
		authenticator, challenge := startAuthenticator(t, c.method, ppp.AuthTimers{})
		peer := c.method.NewPeer(credentials(c.secret))
		peer.Start(start, &q)
		if step := ppptest.Receive(t, peer, start, challenge, &q); step.Outcome != ppp.Pending {
			t.Errorf("%v: challenged: %+v", c.method, step)
		}
		request := ppptest.Receive(t, authenticator, start, ppptest.Only(t, ppp.CHAP, &q), &q)
		if request.Outcome != ppp.AwaitingResult || request.Name != "testuser" || request.Response.User() != "testuser" {
			t.Fatalf("%v: %+v, want the Response of testuser", c.method, request)
		}
		message, ok := request.Response.Verify([]byte(password))
		result := authenticator.SetResult(start, ppp.AuthResult{Accepted: ok, Message: message}, &q)
		reply := ppptest.Only(t, ppp.CHAP, &q)
		step := ppptest.Receive(t, peer, start, reply, &q)
		if result.Outcome != c.outcome || step.Outcome != c.outcome || reply.Code != c.code {
			t.Errorf("%v with %q: authenticator %+v, peer %+v, code %d", c.method, c.secret, result, step, reply.Code)
		}
		if step.Message != c.text || step.Name != "testuser" {
			t.Errorf("%v with %q: message %q for %q, want %q", c.method, c.secret, step.Message, step.Name, c.text)
		}
		if c.method == chap.MSv2 && c.code == chap.Success && !bytes.HasPrefix(reply.Data, []byte("S=")) {
			t.Errorf("the Success of MS-CHAPv2 is %q", reply.Data)
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

// TestMarkedChallenge: a Challenge that another session with the same key has sent gets no Response.
// Without the key, or with another one, it gets a Response.
func TestMarkedChallenge(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		for sent, want := range map[string]bool{"key": true, "other": false, "": false} {
			var q ppp.Queue
			a := m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Key: []byte(sent), Rand: random(3)})
			a.Start(start, &q)
			challenge := ppptest.Only(t, ppp.CHAP, &q)
			creds := credentials(password)
			creds.Key = []byte("key")
			_, err := m.NewPeer(creds).Receive(start, challenge, &q)
			if errors.Is(err, ppp.ErrReflected) != want || (q.Len() == 0) != want {
				t.Errorf("sent with the key %q: %v, %d packets; want it dropped: %v", sent, err, q.Len(), want)
			}
		}
	})
}
