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

var start = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

// dice is randomness that is the same in every run.
func dice(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func credentials(secret string) ppp.Credentials {
	return ppp.Credentials{
		Name: "testuser", Rand: dice(1),
		Secret: func(string) ([]byte, bool) { return []byte(secret), true },
	}
}

// demanding begins an exchange as the authenticator, and returns its request
// for an identity.
func demanding(t testing.TB, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	d := eap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: dice(2), Timers: timers})
	d.Start(start, &q)
	return d, ppptest.Only(t, ppp.EAP, &q)
}

// challenging goes on to the challenge.
func challenging(t testing.TB, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	d, request := demanding(t, timers)
	ppptest.Receive(t, d, start, response(request.ID, eap.Identity, "testuser"), &q)
	return d, ppptest.Only(t, ppp.EAP, &q)
}

func request(id uint8, typ eap.Type, data string) ppp.Control {
	return eap.Packet{Code: eap.Request, ID: id, Type: typ, Data: []byte(data)}.Control()
}

func response(id uint8, typ eap.Type, data string) ppp.Control {
	return eap.Packet{Code: eap.Response, ID: id, Type: typ, Data: []byte(data)}.Control()
}

// respond is what a peer that knows the secret answers to a request.
func respond(t testing.TB, secret string, asked ppp.Control) ppp.Control {
	t.Helper()
	var q ppp.Queue
	ppptest.Receive(t, eap.MD5.NewPeer(credentials(secret)), start, asked, &q)
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
		demand, asked := demanding(t, ppp.AuthTimers{})
		answer := eap.MD5.NewPeer(credentials(secret))
		answer.Start(start, &q)
		ppptest.Receive(t, answer, start, asked, &q)
		ppptest.Receive(t, demand, start, ppptest.Only(t, ppp.EAP, &q), &q)
		challenge := ppptest.Only(t, ppp.EAP, &q)
		if challenge.ID == asked.ID {
			t.Error("RFC 3748 section 4.1: a new Request needs another Identifier")
		}
		ppptest.Receive(t, answer, start, challenge, &q)
		step := ppptest.Receive(t, demand, start, ppptest.Only(t, ppp.EAP, &q), &q)
		if step.Outcome != ppp.AwaitingResult || step.Name != "testuser" || step.Response.User() != "testuser" {
			t.Fatalf("%+v, want the proof of testuser", step)
		}
		_, ok := step.Response.Verify([]byte(password))
		judged := demand.SetResult(start, ppp.AuthResult{Accepted: ok}, &q)
		verdict := ppptest.Only(t, ppp.EAP, &q)
		if verdict.ID != challenge.ID || len(verdict.Data) != 0 {
			t.Errorf("RFC 3748 section 4.2: the verdict %v on the Response %d", verdict, challenge.ID)
		}
		accepted := ppptest.Receive(t, answer, start, verdict, &q)
		if judged.Outcome != want || accepted.Outcome != want || accepted.Name != "testuser" {
			t.Errorf("with %q: authenticator %+v, peer %+v", secret, judged, accepted)
		}
		if !demand.Deadline().IsZero() || !answer.Deadline().IsZero() {
			t.Error("something is still due")
		}
	}
}

// FuzzEap plays what it likes against both roles: octets are packets, each
// preceded by its length and the time before it.
func FuzzEap(f *testing.F) {
	var whole []byte
	for _, s := range []string{goldenIdentityRequest, goldenIdentityResponse, goldenMD5Request, goldenMD5Response, goldenSuccess} {
		b := packet(f, s).AppendTo(nil)
		whole = append(append(whole, byte(len(b)), 1), b...)
		f.Add(append([]byte{byte(len(b)), 0}, b...))
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 4096 {
			return
		}
		demand, _ := demanding(t, ppp.AuthTimers{Rechallenge: time.Minute})
		who := credentials(password)
		who.Authenticator = demand
		answer := eap.MD5.NewPeer(who)
		var q ppp.Queue
		now, proved := start, false
		answer.Start(now, &q)
		for len(script) > 2 {
			n := min(int(script[0]), len(script)-2)
			now = now.Add(time.Duration(script[1]) * 100 * time.Millisecond)
			c, err := ppp.ParseControl(script[2 : 2+n])
			script = script[2+n:]
			if err == nil {
				proved = play(t, now, c, answer, demand, proved)
			}
		}
	})
}

// play hands a packet to both roles, and reports whether we have answered a
// challenge by now.
func play(t *testing.T, now time.Time, c ppp.Control, answer ppp.AuthExchange, demand ppp.Authenticator, proved bool) bool {
	for _, x := range []ppp.AuthExchange{answer, demand} {
		var q ppp.Queue
		if step := x.Advance(now, &q); step.Outcome == ppp.Succeeded || q.Len() > 1 {
			t.Fatalf("time alone: %+v, %d packets sent", step, q.Len())
		}
		q.Reset()
		step, err := x.Receive(now, c, &q)
		if q.Len() > 1 || err != nil && (q.Len() > 0 || step.Outcome != ppp.Pending) {
			t.Fatalf("%v: %+v, error %v, %d packets sent", c, step, err, q.Len())
		}
		if x == answer && q.Len() == 1 && c.Data[0] == byte(eap.MD5Challenge) {
			proved = true
		}
		if step.Outcome == ppp.Succeeded && (x == demand || c.Code != eap.Success || !proved) {
			t.Fatalf("%v: succeeded", c)
		}
		if step.Outcome == ppp.AwaitingResult {
			if _, ok := step.Response.Verify([]byte(password)); ok {
				t.Fatalf("%v: guessed the password", c)
			}
			demand.SetResult(now, ppp.AuthResult{}, &q)
		}
	}
	return proved
}

// TestMarked: a challenge that another session with the same key has sent is not answered.
func TestMarked(t *testing.T) {
	for sent, want := range map[string]bool{"key": true, "other": false, "": false} {
		var q ppp.Queue
		d := eap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Key: []byte(sent), Rand: dice(3)})
		d.Start(start, &q)
		asked := ppptest.Only(t, ppp.EAP, &q)
		ppptest.Receive(t, d, start, response(asked.ID, eap.Identity, "testuser"), &q)
		challenge := ppptest.Only(t, ppp.EAP, &q)
		who := credentials("testpassword")
		who.Key = []byte("key")
		_, err := eap.MD5.NewPeer(who).Receive(start, challenge, &q)
		if errors.Is(err, ppp.ErrReflected) != want || (q.Len() == 0) != want {
			t.Errorf("sent with the key %q: %v, %d packets; want it refused %v", sent, err, q.Len(), want)
		}
	}
}
