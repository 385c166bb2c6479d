package eap_test

import (
	"errors"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/ppptest"
)

// The Response of a real pppd verifies.
func TestVerifyGolden(t *testing.T) {
	request, _, err := chap.ParseValue(ppptest.Packet(t, goldenMD5Request).Data[1:])
	if err != nil {
		t.Fatal(err)
	}
	value, name, err := chap.ParseValue(ppptest.Packet(t, goldenMD5Response).Data[1:])
	if err != nil {
		t.Fatal(err)
	}
	response := chap.MD5Response{ID: 0x88, Challenge: request, Response: value, Name: string(name)}
	if _, ok := response.Verify([]byte(password)); !ok || response.User() != "testuser" {
		t.Errorf("%q: verified %v", response.User(), ok)
	}
}

// RFC 3748 section 4.1: a retransmitted Request keeps its Identifier. Each Request is
// sent up to MaxTransmit times.
func TestAuthenticatorRepeatsAndGivesUp(t *testing.T) {
	for what, begin := range map[string]func(testing.TB, ppp.AuthTimers) (ppp.Authenticator, ppp.Control){
		"identity": startAuthenticator, "challenge": challengePeer,
	} {
		var q ppp.Queue
		a, first := begin(t, ppp.AuthTimers{})
		for i := range 9 {
			now := at(time.Duration(i+1) * 3 * time.Second)
			if step := a.Advance(now.Add(-1), &q); step.Outcome != ppp.Pending || q.Len() != 0 {
				t.Fatalf("%s: too soon: %+v, %d packets sent", what, step, q.Len())
			}
			a.Advance(now, &q)
			if again := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(first, again) {
				t.Errorf("%s: sent %v, then %v", what, first, again)
			}
		}
		step := a.Advance(at(30*time.Second), &q)
		if step.Outcome != ppp.Failed || step.Message != "no EAP Response from the peer" || !a.Deadline().IsZero() || q.Len() != 0 {
			t.Errorf("%s: %+v", what, step)
		}
		if _, err := a.Receive(at(31*time.Second), respond(t, password, first), &q); !errors.Is(err, eap.ErrUnexpected) || q.Len() != 0 {
			t.Errorf("%s: a response too late: %v", what, err)
		}
	}
}

func TestAuthenticatorDrops(t *testing.T) {
	a, sent := startAuthenticator(t, ppp.AuthTimers{})
	id := sent.ID
	for _, c := range []struct {
		what string
		in   ppp.Control
		want error
	}{
		{"another Identifier", response(id+1, eap.Identity, "testuser"), ppp.ErrStale},
		{"a Nak of the identity", response(id, eap.Nak, "\x04"), eap.ErrUnexpected},
		{"a challenge's response", response(id, eap.MD5Challenge, "\x01a"), eap.ErrUnexpected},
		{"a Request", request(id, eap.Identity, ""), ppp.ErrRole},
		{"a Success", ppp.Control{Code: eap.Success, ID: id}, ppp.ErrRole},
		{"no type", ppp.Control{Code: eap.Response, ID: id}, eap.ErrType},
		{"an unknown code", ppp.Control{Code: 6, ID: id}, eap.ErrCode},
	} {
		var q ppp.Queue
		step, err := a.Receive(start, c.in, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}

	a, sent = challengePeer(t, ppp.AuthTimers{})
	id = sent.ID
	for _, c := range []struct {
		what string
		in   ppp.Control
		want error
	}{
		{"the identity again", response(id-1, eap.Identity, "testuser"), ppp.ErrStale},
		{"the identity with the challenge's Identifier", response(id, eap.Identity, "root"), eap.ErrUnexpected},
		{"a notification", response(id, eap.Notification, ""), eap.ErrUnexpected},
		{"a value beyond the end", response(id, eap.MD5Challenge, "\x10abc"), chap.ErrValue},
		{"no value", response(id, eap.MD5Challenge, ""), chap.ErrValue},
	} {
		var q ppp.Queue
		step, err := a.Receive(start, c.in, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

// Before its first Request an authenticator drops every packet.
func TestAuthenticatorNotStarted(t *testing.T) {
	var q ppp.Queue
	a := eap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: random(2)})
	step, err := a.Receive(start, response(0, eap.Identity, "testuser"), &q)
	if !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending || q.Len() != 0 {
		t.Errorf("%+v, error %v, %d packets sent", step, err, q.Len())
	}
}

// A Response that cannot be valid is rejected at once, without authentication.
func TestAuthenticatorRejects(t *testing.T) {
	hash := string(make([]byte, 16))
	for what, c := range map[string]struct {
		typ  eap.Type
		data string
	}{
		"a Nak that wants EAP-TLS":    {eap.Nak, "\x0d"},
		"a Nak that wants nothing":    {eap.Nak, "\x00"},
		"a Nak without data":          {eap.Nak, ""},
		"a short response":            {eap.MD5Challenge, "\x0f" + hash[1:] + "testuser"},
		"a name not the identity":     {eap.MD5Challenge, "\x10" + hash + "root"},
		"a name longer than identity": {eap.MD5Challenge, "\x10" + hash + "testuser\x00"},
	} {
		var q ppp.Queue
		a, challenge := challengePeer(t, ppp.AuthTimers{})
		step := ppptest.Receive(t, a, start, response(challenge.ID, c.typ, c.data), &q)
		result := ppptest.Only(t, ppp.EAP, &q)
		if step.Outcome != ppp.Failed || step.Message == "" || result.Code != eap.Failure || result.ID != challenge.ID {
			t.Errorf("%s: %+v, code %d", what, step, result.Code)
		}
	}
}

// A Response need not repeat the name: the user is the identity.
func TestUserIsIdentity(t *testing.T) {
	var q ppp.Queue
	a, challenge := challengePeer(t, ppp.AuthTimers{})
	good := respond(t, password, challenge)
	good.Data = good.Data[:18] // type, length and hash
	step := ppptest.Receive(t, a, start, good, &q)
	if step.Outcome != ppp.AwaitingResult || step.Response.User() != "testuser" {
		t.Fatalf("%+v", step)
	}
	if _, ok := step.Response.Verify([]byte(password)); !ok {
		t.Error("the right password does not verify")
	}
	clear(good.Data)
	if _, ok := step.Response.Verify([]byte(password)); !ok {
		t.Error("the response changed with the receive buffer")
	}
}

// A Nak that proposes MD5-Challenge gets another one, at most MaxTransmit times.
func TestContradictoryNakIsBounded(t *testing.T) {
	var q ppp.Queue
	a, challenge := challengePeer(t, ppp.AuthTimers{})
	for tries := 1; ; tries++ {
		step := ppptest.Receive(t, a, start, response(challenge.ID, eap.Nak, "\x0d\x04"), &q)
		next := ppptest.Only(t, ppp.EAP, &q)
		if step.Outcome == ppp.Failed {
			if tries != 10 || next.Code != eap.Failure {
				t.Errorf("after %d challenges: %+v, code %d", tries, step, next.Code)
			}
			return
		}
		if next.ID == challenge.ID || tries > 10 {
			t.Fatalf("challenge %d has the Identifier %d after %d", tries, next.ID, challenge.ID)
		}
		challenge = next
	}
}

func TestAuthenticatorAsksOnce(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		var q ppp.Queue
		a, challenge := challengePeer(t, ppp.AuthTimers{})
		good := respond(t, password, challenge)
		ppptest.Receive(t, a, start, good, &q)
		if _, err := a.Receive(start, good, &q); !errors.Is(err, ppp.ErrAuthPending) || !a.Deadline().IsZero() {
			t.Errorf("repeated before the result: %v, due at %v", err, a.Deadline())
		}
		a.SetResult(start, ppp.AuthResult{Accepted: accepted}, &q)
		result := ppptest.Only(t, ppp.EAP, &q)
		for _, again := range []ppp.Control{good, respond(t, "other", challenge)} {
			step := ppptest.Receive(t, a, start, again, &q)
			if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, result) || step.Outcome != ppp.Pending {
				t.Errorf("accepted %v, then repeated: %v, %+v", accepted, got, step)
			}
		}
		if step := a.SetResult(start, ppp.AuthResult{Accepted: !accepted}, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("a result that was not requested: %+v, %d packets sent", step, q.Len())
		}
	}
}

func TestRechallenge(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		var q ppp.Queue
		a, first := challengePeer(t, ppp.AuthTimers{Rechallenge: time.Minute})
		ppptest.Receive(t, a, start, respond(t, password, first), &q)
		a.SetResult(start, ppp.AuthResult{Accepted: true}, &q)
		q.Reset()
		a.Advance(at(time.Minute), &q)
		second := ppptest.Only(t, ppp.EAP, &q)
		if second.ID == first.ID || second.Code != eap.Request || ppptest.Equal(first, second) {
			t.Errorf("challenged by %v, then %v", first, second)
		}
		ppptest.Receive(t, a, at(time.Minute), respond(t, password, second), &q)
		step := a.SetResult(at(time.Minute), ppp.AuthResult{Accepted: accepted}, &q)
		if (step.Outcome == ppp.Succeeded) != accepted || step.Name != "testuser" {
			t.Errorf("accepted %v: %+v", accepted, step)
		}
	}
}
