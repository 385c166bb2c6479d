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

// What the real pppd answered verifies.
func TestVerifyGolden(t *testing.T) {
	asked, _, err := chap.ParseValue(packet(t, goldenMD5Request).Data[1:])
	if err != nil {
		t.Fatal(err)
	}
	value, name, err := chap.ParseValue(packet(t, goldenMD5Response).Data[1:])
	if err != nil {
		t.Fatal(err)
	}
	proof := chap.MD5Response{ID: 0x88, Challenge: asked, Response: value, Name: string(name)}
	if _, ok := proof.Verify([]byte(password)); !ok || proof.User() != "testuser" {
		t.Errorf("%q: verified %v", proof.User(), ok)
	}
}

// RFC 3748 section 4.1: what is sent again keeps its Identifier; each Request
// has its own tries.
func TestDemandRepeatsAndGivesUp(t *testing.T) {
	for what, begin := range map[string]func(testing.TB, ppp.AuthTimers) (ppp.Authenticator, ppp.Control){
		"identity": demanding, "challenge": challenging,
	} {
		var q ppp.Queue
		d, first := begin(t, ppp.AuthTimers{})
		for i := range 9 {
			now := at(time.Duration(i+1) * 3 * time.Second)
			if step := d.Advance(now.Add(-1), &q); step.Outcome != ppp.Pending || q.Len() != 0 {
				t.Fatalf("%s: too soon: %+v, %d packets sent", what, step, q.Len())
			}
			d.Advance(now, &q)
			if again := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(first, again) {
				t.Errorf("%s: sent %v, then %v", what, first, again)
			}
		}
		step := d.Advance(at(30*time.Second), &q)
		if step.Outcome != ppp.Failed || step.Message != "peer does not answer" || !d.Deadline().IsZero() || q.Len() != 0 {
			t.Errorf("%s: %+v", what, step)
		}
		if _, err := d.Receive(at(31*time.Second), respond(t, password, first), &q); !errors.Is(err, eap.ErrUnexpected) || q.Len() != 0 {
			t.Errorf("%s: a response too late: %v", what, err)
		}
	}
}

func TestDemandDrops(t *testing.T) {
	d, asked := demanding(t, ppp.AuthTimers{})
	id := asked.ID
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
		step, err := d.Receive(start, c.in, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}

	d, asked = challenging(t, ppp.AuthTimers{})
	id = asked.ID
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
		step, err := d.Receive(start, c.in, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

// Before its first Request an authenticator hears nothing.
func TestDemandNotBegun(t *testing.T) {
	var q ppp.Queue
	d := eap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: dice(2)})
	step, err := d.Receive(start, response(0, eap.Identity, "testuser"), &q)
	if !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending || q.Len() != 0 {
		t.Errorf("%+v, error %v, %d packets sent", step, err, q.Len())
	}
}

// What can prove nothing is refused at once: nobody is asked.
func TestDemandRefuses(t *testing.T) {
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
		d, challenge := challenging(t, ppp.AuthTimers{})
		step := ppptest.Receive(t, d, start, response(challenge.ID, c.typ, c.data), &q)
		verdict := ppptest.Only(t, ppp.EAP, &q)
		if step.Outcome != ppp.Failed || step.Message == "" || verdict.Code != eap.Failure || verdict.ID != challenge.ID {
			t.Errorf("%s: %+v, code %d", what, step, verdict.Code)
		}
	}
}

// A response need not repeat the name: the identity counts.
func TestIdentityCounts(t *testing.T) {
	var q ppp.Queue
	d, challenge := challenging(t, ppp.AuthTimers{})
	good := respond(t, password, challenge)
	good.Data = good.Data[:18] // type, length and hash
	step := ppptest.Receive(t, d, start, good, &q)
	if step.Outcome != ppp.AwaitingResult || step.Response.User() != "testuser" {
		t.Fatalf("%+v", step)
	}
	if _, ok := step.Response.Verify([]byte(password)); !ok {
		t.Error("the right password does not verify")
	}
	clear(good.Data)
	if _, ok := step.Response.Verify([]byte(password)); !ok {
		t.Error("the proof changed with the buffer that it came in")
	}
}

// A Nak that asks for the very method it refuses gets it again, but not for
// ever.
func TestContradictoryNakIsBounded(t *testing.T) {
	var q ppp.Queue
	d, challenge := challenging(t, ppp.AuthTimers{})
	for tries := 1; ; tries++ {
		step := ppptest.Receive(t, d, start, response(challenge.ID, eap.Nak, "\x0d\x04"), &q)
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

func TestDemandJudgesOnce(t *testing.T) {
	for _, grant := range []bool{true, false} {
		var q ppp.Queue
		d, challenge := challenging(t, ppp.AuthTimers{})
		good := respond(t, password, challenge)
		ppptest.Receive(t, d, start, good, &q)
		if _, err := d.Receive(start, good, &q); !errors.Is(err, ppp.ErrAuthPending) || !d.Deadline().IsZero() {
			t.Errorf("repeated while judged: %v, due at %v", err, d.Deadline())
		}
		d.SetResult(start, ppp.AuthResult{Accepted: grant}, &q)
		verdict := ppptest.Only(t, ppp.EAP, &q)
		for _, again := range []ppp.Control{good, respond(t, "other", challenge)} {
			step := ppptest.Receive(t, d, start, again, &q)
			if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, verdict) || step.Outcome != ppp.Pending {
				t.Errorf("granted %v, then repeated: %v, %+v", grant, got, step)
			}
		}
		if step := d.SetResult(start, ppp.AuthResult{Accepted: !grant}, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("a decision nobody asked for: %+v, %d packets sent", step, q.Len())
		}
	}
}

func TestDemandAgain(t *testing.T) {
	for _, grant := range []bool{true, false} {
		var q ppp.Queue
		d, first := challenging(t, ppp.AuthTimers{Rechallenge: time.Minute})
		ppptest.Receive(t, d, start, respond(t, password, first), &q)
		d.SetResult(start, ppp.AuthResult{Accepted: true}, &q)
		q.Reset()
		d.Advance(at(time.Minute), &q)
		second := ppptest.Only(t, ppp.EAP, &q)
		if second.ID == first.ID || second.Code != eap.Request || ppptest.Equal(first, second) {
			t.Errorf("challenged by %v, then %v", first, second)
		}
		ppptest.Receive(t, d, at(time.Minute), respond(t, password, second), &q)
		step := d.SetResult(at(time.Minute), ppp.AuthResult{Accepted: grant}, &q)
		if (step.Outcome == ppp.Succeeded) != grant || step.Name != "testuser" {
			t.Errorf("granted %v: %+v", grant, step)
		}
	}
}
