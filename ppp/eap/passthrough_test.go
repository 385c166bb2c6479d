package eap_test

import (
	"errors"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ppptest"
)

// startRelay begins an exchange, and returns it with its Request for the identity.
func startRelay(t testing.TB, timers ppp.AuthTimers) (ppp.Authenticator, ppp.Control) {
	t.Helper()
	var q ppp.Queue
	a := eap.PassThrough.NewAuthenticator(ppp.AuthenticatorConfig{Rand: random(2), Timers: timers})
	a.Start(start, &q)
	return a, ppptest.Only(t, ppp.EAP, &q)
}

// relay gives a Response to the exchange, and returns what it has for the server.
func relay(t testing.TB, a ppp.Authenticator, c ppp.Control) eap.Relayed {
	t.Helper()
	var q ppp.Queue
	step, err := a.Receive(start, c, &q)
	if err != nil || step.Outcome != ppp.AwaitingResult || q.Len() != 0 {
		t.Fatalf("%+v, %v", step, err)
	}
	return step.Response.(eap.Relayed)
}

func encoded(c ppp.Control) []byte { return c.AppendTo(nil) }

// TestPassThrough: each packet of peer and server reaches the other unchanged, with the server's state;
// the server's Requests are retransmitted, and Responses by another Identifier dropped.
func TestPassThrough(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		var q ppp.Queue
		a, identity := startRelay(t, ppp.AuthTimers{Rechallenge: time.Hour})
		first := response(identity.ID, eap.Identity, "testuser")
		r := relay(t, a, first)
		if r.User() != "testuser" || string(r.Packet) != string(encoded(first)) || r.State != nil {
			t.Errorf("%+v", r)
		}
		if _, err := a.Receive(start, first, &q); !errors.Is(err, ppp.ErrAuthPending) {
			t.Errorf("a repeated Response: %v", err)
		}
		tls := request(77, 13, "a certificate")
		if step := a.SetResult(start, ppp.AuthResult{Relayed: encoded(tls), State: []byte("state")}, &q); step.Outcome != ppp.Pending {
			t.Errorf("%+v", step)
		}
		if sent := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(sent, tls) {
			t.Errorf("sent %v", sent)
		}
		a.Advance(at(3*time.Second), &q)
		if sent := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(sent, tls) {
			t.Errorf("retransmitted %v", sent)
		}
		if _, err := a.Receive(start, response(76, 13, "x"), &q); !errors.Is(err, ppp.ErrStale) {
			t.Errorf("another Identifier: %v", err)
		}
		if _, err := a.Receive(start, response(77, eap.Identity, "another"), &q); !errors.Is(err, eap.ErrUnexpected) {
			t.Errorf("another name in the response to a method: %v", err)
		}
		answer := response(77, 13, "an answer")
		if r = relay(t, a, answer); string(r.Packet) != string(encoded(answer)) || string(r.State) != "state" || r.Identity != "testuser" {
			t.Errorf("%+v", r)
		}
		end, want := ppp.Control{Code: eap.Failure, ID: 77}, ppp.Failed
		if accepted {
			end.Code, want = eap.Success, ppp.Succeeded
		}
		if step := a.SetResult(start, ppp.AuthResult{Accepted: accepted, Relayed: encoded(end)}, &q); step.Outcome != want || step.Name != "testuser" {
			t.Errorf("%+v", step)
		}
		if sent := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(sent, end) {
			t.Errorf("sent %v", sent)
		}
		a.Receive(start, answer, &q)
		if sent := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(sent, end) {
			t.Errorf("for a repeated Response sent %v", sent)
		}
		if accepted {
			a.Advance(at(time.Hour), &q)
			if sent := ppptest.Only(t, ppp.EAP, &q); sent.Code != eap.Request || sent.ID != 78 {
				t.Errorf("after the interval sent %v", sent)
			}
		}
	}
}

// TestPassThroughResults: what a server's answer must not be, or what it need not have.
func TestPassThroughResults(t *testing.T) {
	long := make([]byte, 1500)
	for name, c := range map[string]struct {
		result ppp.AuthResult
		want   ppp.Outcome
	}{
		"accepted without a packet": {ppp.AuthResult{Accepted: true}, ppp.Succeeded},
		"rejected without a packet": {ppp.AuthResult{}, ppp.Failed},
		"accepted with a Failure":   {ppp.AuthResult{Accepted: true, Relayed: encoded(ppp.Control{Code: eap.Failure})}, ppp.Failed},
		"rejected with a Success":   {ppp.AuthResult{Relayed: encoded(ppp.Control{Code: eap.Success})}, ppp.Failed},
		"accepted with a Request":   {ppp.AuthResult{Accepted: true, Relayed: encoded(request(1, 13, "x"))}, ppp.Failed},
		"a Response":                {ppp.AuthResult{Relayed: encoded(response(1, 13, "x"))}, ppp.Failed},
		"a Request without a type":  {ppp.AuthResult{Relayed: encoded(ppp.Control{Code: eap.Request})}, ppp.Failed},
		"a packet that is cut":      {ppp.AuthResult{Relayed: encoded(request(1, 13, "x"))[:5]}, ppp.Failed},
		"a packet that is too long": {ppp.AuthResult{Relayed: encoded(request(1, 13, string(long)))}, ppp.Failed},
		"a Request":                 {ppp.AuthResult{Relayed: encoded(request(1, 13, "x"))}, ppp.Pending},
	} {
		var q ppp.Queue
		a, identity := startRelay(t, ppp.AuthTimers{})
		relay(t, a, response(identity.ID, eap.Identity, "testuser"))
		if step := a.SetResult(start, c.result, &q); step.Outcome != c.want {
			t.Errorf("%s: %+v", name, step)
		}
		code := map[ppp.Outcome]ppp.Code{ppp.Succeeded: eap.Success, ppp.Failed: eap.Failure, ppp.Pending: eap.Request}[c.want]
		if sent := ppptest.Only(t, ppp.EAP, &q); sent.Code != code {
			t.Errorf("%s: sent %v", name, sent)
		}
	}
}

// TestPassThroughIsBounded: a conversation ends, whatever peer and server send.
func TestPassThroughIsBounded(t *testing.T) {
	var q ppp.Queue
	a, last := startRelay(t, ppp.AuthTimers{})
	c := response(last.ID, eap.Identity, "testuser")
	for i := range 1000 {
		step, err := a.Receive(start, c, &q)
		if err != nil {
			t.Fatal(err)
		}
		if step.Outcome == ppp.Failed {
			if i != 100 {
				t.Errorf("ended after %d rounds", i)
			}
			return
		}
		next := request(uint8(i), 13, "x")
		a.SetResult(start, ppp.AuthResult{Relayed: encoded(next)}, &q)
		q.Reset()
		c = response(uint8(i), 13, "y")
	}
	t.Error("the conversation does not end")
}
