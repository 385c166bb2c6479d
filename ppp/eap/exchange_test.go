package eap_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ppptest"
)

var start = ppptest.Epoch

func at(d time.Duration) time.Time { return start.Add(d) }

// random returns a source of random octets that is the same in every run.
func random(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func credentials(secret string) ppp.Credentials {
	return ppp.Credentials{
		Name: "testuser", Rand: random(1),
		Secret: func(string) ([]byte, bool) { return []byte(secret), true },
	}
}

// startAuthenticator begins an exchange as the authenticator, and returns it with its
// Request for the identity.
func startAuthenticator(t testing.TB, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	a := eap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: random(2), Timers: timers})
	a.Start(start, &q)
	return a, ppptest.Only(t, ppp.EAP, &q)
}

// challengePeer continues with the peer's identity, and returns the MD5-Challenge.
func challengePeer(t testing.TB, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	a, request := startAuthenticator(t, timers)
	ppptest.Receive(t, a, start, response(request.ID, eap.Identity, "testuser"), &q)
	return a, ppptest.Only(t, ppp.EAP, &q)
}

func request(id uint8, typ eap.Type, data string) ppp.Control {
	return eap.Packet{Code: eap.Request, ID: id, Type: typ, Data: []byte(data)}.Control()
}

func response(id uint8, typ eap.Type, data string) ppp.Control {
	return eap.Packet{Code: eap.Response, ID: id, Type: typ, Data: []byte(data)}.Control()
}

// respond returns the Response of a peer that knows the secret.
func respond(t testing.TB, secret string, request ppp.Control) ppp.Control {
	t.Helper()
	var q ppp.Queue
	ppptest.Receive(t, eap.MD5.NewPeer(credentials(secret)), start, request, &q)
	return ppptest.Only(t, ppp.EAP, &q)
}

func TestMethod(t *testing.T) {
	if got := fmt.Sprintf("%s %x", eap.MD5.Name(), eap.MD5.Option()); got != "EAP c227" {
		t.Error(got)
	}
}

func TestWholeExchange(t *testing.T) {
	for secret, want := range map[string]ppp.Outcome{password: ppp.Succeeded, "wrong": ppp.Failed} {
		var q ppp.Queue
		authenticator, identity := startAuthenticator(t, ppp.AuthTimers{})
		peer := eap.MD5.NewPeer(credentials(secret))
		peer.Start(start, &q)
		ppptest.Receive(t, peer, start, identity, &q)
		ppptest.Receive(t, authenticator, start, ppptest.Only(t, ppp.EAP, &q), &q)
		challenge := ppptest.Only(t, ppp.EAP, &q)
		if challenge.ID == identity.ID {
			t.Error("RFC 3748 section 4.1: a new Request needs another Identifier")
		}
		ppptest.Receive(t, peer, start, challenge, &q)
		step := ppptest.Receive(t, authenticator, start, ppptest.Only(t, ppp.EAP, &q), &q)
		if step.Outcome != ppp.AwaitingResult || step.Name != "testuser" || step.Response.User() != "testuser" {
			t.Fatalf("%+v, want the Response of testuser", step)
		}
		_, ok := step.Response.Verify([]byte(password))
		step = authenticator.SetResult(start, ppp.AuthResult{Accepted: ok}, &q)
		result := ppptest.Only(t, ppp.EAP, &q)
		if result.ID != challenge.ID || len(result.Data) != 0 {
			t.Errorf("RFC 3748 section 4.2: the result %v for the Response %d", result, challenge.ID)
		}
		accepted := ppptest.Receive(t, peer, start, result, &q)
		if step.Outcome != want || accepted.Outcome != want || accepted.Name != "testuser" {
			t.Errorf("with %q: authenticator %+v, peer %+v", secret, step, accepted)
		}
		if !authenticator.Deadline().IsZero() || !peer.Deadline().IsZero() {
			t.Error("something is still due")
		}
	}
}

// FuzzEap sends arbitrary packets to both roles (see ppptest.FuzzExchange): a peer succeeds by a
// Success only, after its Response.
func FuzzEap(f *testing.F) {
	var whole []byte
	for _, s := range []string{goldenIdentityRequest, goldenIdentityResponse, goldenMD5Request, goldenMD5Response, goldenSuccess} {
		whole = ppptest.AppendScript(whole, 1, ppptest.Packet(f, s))
		f.Add(ppptest.AppendScript(nil, 0, ppptest.Packet(f, s)))
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, script []byte) {
		authenticator, _ := startAuthenticator(t, ppp.AuthTimers{Rechallenge: time.Minute})
		creds := credentials(password)
		creds.Authenticator = authenticator
		peer, responded := eap.MD5.NewPeer(creds), false
		ppptest.FuzzExchange(t, script, peer, authenticator, func(x ppp.AuthExchange, c ppp.Control, step ppp.Step, sent int) {
			if x == peer && sent == 1 && c.Data[0] == byte(eap.MD5Challenge) {
				responded = true
			}
			if step.Outcome == ppp.Succeeded && (x == authenticator || c.Code != eap.Success || !responded) {
				t.Fatalf("%v: succeeded", c)
			}
			ppptest.CheckNotGuessed(t, c, step, password)
		})
	})
}

// TestMarkedChallenge: a challenge that another session with the same key has sent gets no Response.
func TestMarkedChallenge(t *testing.T) {
	for sent, want := range map[string]bool{"key": true, "other": false, "": false} {
		var q ppp.Queue
		a := eap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Key: []byte(sent), Rand: random(3)})
		a.Start(start, &q)
		identity := ppptest.Only(t, ppp.EAP, &q)
		ppptest.Receive(t, a, start, response(identity.ID, eap.Identity, "testuser"), &q)
		challenge := ppptest.Only(t, ppp.EAP, &q)
		creds := credentials("testpassword")
		creds.Key = []byte("key")
		_, err := eap.MD5.NewPeer(creds).Receive(start, challenge, &q)
		if errors.Is(err, ppp.ErrReflected) != want || (q.Len() == 0) != want {
			t.Errorf("sent with the key %q: %v, %d packets; want it dropped: %v", sent, err, q.Len(), want)
		}
	}
}
