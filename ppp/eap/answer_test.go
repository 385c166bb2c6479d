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

// The peer says what the real pppd said, and believes its Success.
func TestAnswerGolden(t *testing.T) {
	var q ppp.Queue
	a := eap.MD5.NewPeer(credentials(password))
	a.Start(start, &q)
	for _, c := range [][2]string{{goldenIdentityRequest, goldenIdentityResponse}, {goldenMD5Request, goldenMD5Response}} {
		ppptest.Receive(t, a, start, packet(t, c[0]), &q)
		if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, packet(t, c[1])) {
			t.Errorf("%s was answered by %x", c[0], got.AppendTo(nil))
		}
	}
	step := ppptest.Receive(t, a, start, packet(t, goldenSuccess), &q)
	if step.Outcome != ppp.Succeeded || step.Name != "testuser" {
		t.Errorf("%+v", step)
	}
}

func TestAnswerEachType(t *testing.T) {
	for _, c := range []struct {
		what string
		in   ppp.Control
		want ppp.Control
	}{
		{"identity, with a prompt", request(9, eap.Identity, "who?"), response(9, eap.Identity, "testuser")},
		{"notification", request(9, eap.Notification, "hello"), response(9, eap.Notification, "")},
		{"one-time password", request(9, 5, "otp"), response(9, eap.Nak, "\x04")},
		{"EAP-TLS", request(9, 13, "\x20"), response(9, eap.Nak, "\x04")},
		{"expanded type", request(9, 254, "\x00\x01\x37\x00\x00\x00\x01"), response(9, eap.Nak, "\x04")},
	} {
		var q ppp.Queue
		a := eap.MD5.NewPeer(credentials(password))
		step := ppptest.Receive(t, a, start, c.in, &q)
		if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, c.want) || step.Outcome != ppp.Pending {
			t.Errorf("%s: answered %x, want %x; %+v", c.what, got.AppendTo(nil), c.want.AppendTo(nil), step)
		}
	}
}

// at what point of a conversation a packet comes
const (
	begun   = iota // nothing was said
	named          // our identity was
	proving        // a challenge was answered, with Identifier 0x88
	naked          // a method was refused, with Identifier 0x88
)

func answering(t *testing.T, point int) ppp.AuthExchange {
	var q ppp.Queue
	a := eap.MD5.NewPeer(credentials(password))
	a.Start(start, &q)
	if point >= named {
		ppptest.Receive(t, a, start, packet(t, goldenIdentityRequest), &q)
	}
	switch point {
	case proving:
		ppptest.Receive(t, a, start, packet(t, goldenMD5Request), &q)
	case naked:
		ppptest.Receive(t, a, start, request(0x88, 13, ""), &q)
	}
	return a
}

func TestAnswerVerdicts(t *testing.T) {
	for _, c := range []struct {
		what  string
		point int
		code  ppp.Code
		id    uint8
		want  ppp.Outcome
		err   error
	}{
		{"Success out of the blue", begun, eap.Success, 0, 0, eap.ErrUnexpected},
		{"Failure out of the blue", begun, eap.Failure, 0, 0, eap.ErrUnexpected},
		{"Success before a method", named, eap.Success, 0x87, 0, eap.ErrUnexpected},
		{"Failure for our name", named, eap.Failure, 0x87, ppp.Failed, nil},
		{"Success after a Nak", naked, eap.Success, 0x88, 0, eap.ErrUnexpected},
		{"Failure after a Nak", naked, eap.Failure, 0x88, ppp.Failed, nil},
		{"Success", proving, eap.Success, 0x88, ppp.Succeeded, nil},
		{"Success as pppd sends it", proving, eap.Success, 0x89, ppp.Succeeded, nil},
		{"Success to something else", proving, eap.Success, 0x87, 0, ppp.ErrStale},
		{"Failure", proving, eap.Failure, 0x88, ppp.Failed, nil},
		{"Failure to something else", proving, eap.Failure, 0x8a, 0, ppp.ErrStale},
	} {
		var q ppp.Queue
		step, err := answering(t, c.point).Receive(start, ppp.Control{Code: c.code, ID: c.id}, &q)
		if step.Outcome != c.want || !errors.Is(err, c.err) || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

func TestAnswerDrops(t *testing.T) {
	for _, c := range []struct {
		what  string
		point int
		in    ppp.Control
		want  error
	}{
		{"a Response", proving, packet(t, goldenMD5Response), ppp.ErrRole},
		{"an unknown code", proving, ppp.Control{Code: 5}, eap.ErrCode},
		{"a Request without a type", begun, ppp.Control{Code: eap.Request}, eap.ErrType},
		{"a Nak in a Request", begun, request(1, eap.Nak, "\x04"), eap.ErrUnexpected},
		{"another type after our method", proving, request(0x89, 13, ""), eap.ErrUnexpected},
		{"identity after our method", proving, request(0x89, eap.Identity, ""), eap.ErrUnexpected},
		{"a new Request with the old Identifier", named, request(0x87, eap.Identity, "another"), ppp.ErrStale},
		{"a challenge with the Identifier of the identity", named, request(0x87, eap.MD5Challenge, "\x01aac"), ppp.ErrStale},
		{"identity with the Identifier of the challenge", proving, request(0x88, eap.Identity, ""), ppp.ErrStale},
		{"no value", named, request(0x88, eap.MD5Challenge, ""), chap.ErrValue},
		{"an empty value", named, request(0x88, eap.MD5Challenge, "\x00ac"), chap.ErrValue},
		{"a value beyond the end", named, request(0x88, eap.MD5Challenge, "\x10abc"), chap.ErrValue},
	} {
		var q ppp.Queue
		step, err := answering(t, c.point).Receive(start, c.in, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

// RFC 3748 section 4.1: a repeated Request gets the same Response.
func TestAnswerRepeatsItself(t *testing.T) {
	a := answering(t, begun)
	for _, s := range []string{goldenIdentityRequest, goldenMD5Request} {
		var q ppp.Queue
		ppptest.Receive(t, a, start, packet(t, s), &q)
		first := ppptest.Only(t, ppp.EAP, &q)
		ppptest.Receive(t, a, start, packet(t, s), &q)
		if again := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(first, again) {
			t.Errorf("%s was answered by %v, then %v", s, first, again)
		}
	}
}

// TestNoteOnce: a Notification explains the verdict of its own conversation, and none after it.
func TestNoteOnce(t *testing.T) {
	var q ppp.Queue
	a := answering(t, proving)
	ppptest.Receive(t, a, start, request(0x89, eap.Notification, "welcome"), &q)
	if step := ppptest.Receive(t, a, start, ppp.Control{Code: eap.Success, ID: 0x89}, &q); step.Message != "welcome" {
		t.Errorf("the first Success: %+v", step)
	}
	ppptest.Receive(t, a, start, request(0x90, eap.MD5Challenge, "\x01aac"), &q)
	if step := ppptest.Receive(t, a, start, ppp.Control{Code: eap.Failure, ID: 0x90}, &q); step.Outcome != ppp.Failed || step.Message != "" {
		t.Errorf("the Failure of the next conversation: %+v", step)
	}
}

// A notification tells why, where Success and Failure have no words.
// pppd repeats a challenge with another value under the same Identifier.
func TestAnswerNewValueUnderOldIdentifier(t *testing.T) {
	var q ppp.Queue
	a := answering(t, proving)
	again := request(0x88, eap.MD5Challenge, "\x04\x01\x02\x03\x04lns")
	if step := ppptest.Receive(t, a, start, again, &q); step.Outcome != ppp.Pending {
		t.Errorf("%+v", step)
	}
	want := response(0x88, eap.MD5Challenge, string(chap.AppendValue(nil, chap.MD5Hash(0x88, []byte(password), []byte("\x01\x02\x03\x04")), "testuser")))
	if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, want) {
		t.Errorf("answered %x, want %x", got.AppendTo(nil), want.AppendTo(nil))
	}
}

func TestNotificationIsTheMessage(t *testing.T) {
	for _, code := range []ppp.Code{eap.Success, eap.Failure} {
		var q ppp.Queue
		a := answering(t, proving)
		ppptest.Receive(t, a, start, request(0x89, eap.Notification, "your password expires"), &q)
		step := ppptest.Receive(t, a, start, ppp.Control{Code: code, ID: 0x89}, &q)
		if step.Outcome == ppp.Pending || step.Message != "your password expires" {
			t.Errorf("code %d: %+v", code, step)
		}
	}
}

func TestAnswerGivesUp(t *testing.T) {
	for point, why := range map[int]string{
		begun:   "server does not ask who we are",
		proving: "server does not say whether it accepts us",
	} {
		var q ppp.Queue
		a := answering(t, point)
		if got := a.Deadline().Sub(start); got != time.Minute {
			t.Errorf("waits %v", got)
		}
		if step := a.Advance(at(time.Minute-1), &q); step.Outcome != ppp.Pending {
			t.Errorf("too soon: %+v", step)
		}
		step := a.Advance(at(time.Minute), &q)
		if step.Outcome != ppp.Failed || step.Message != why || q.Len() != 0 {
			t.Errorf("%+v, want %q", step, why)
		}
		if _, err := a.Receive(at(time.Minute), packet(t, goldenIdentityRequest), &q); !errors.Is(err, ppp.ErrStale) || q.Len() != 0 {
			t.Errorf("asked after the end: %v, %d packets sent", err, q.Len())
		}
	}
}

func TestAnswerWithoutSecret(t *testing.T) {
	var q ppp.Queue
	who := credentials("")
	step := ppptest.Receive(t, eap.MD5.NewPeer(who), start, packet(t, goldenMD5Request), &q)
	if want := `No EAP secret found for authenticating us to "(none)"`; step.Outcome != ppp.Failed || step.Message != want || q.Len() != 0 {
		t.Errorf("%+v, %d packets sent", step, q.Len())
	}
}

// A peer that is itself to be authenticated must not have us compute its
// response, not even by another protocol that hashes alike.
func TestAnswerRefusesReflection(t *testing.T) {
	var q ppp.Queue
	byEAP, challenge := challenging(t, ppp.AuthTimers{})
	byCHAP := chap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: dice(3)})
	byCHAP.Start(start, &q)
	chapData := string(q.At(0)[2+ppp.ControlHeaderLen:])
	q.Reset()
	for _, c := range []struct {
		beside ppp.Authenticator
		data   string
	}{{byEAP, string(challenge.Data[1:])}, {byCHAP, chapData}} {
		who := credentials(password)
		who.Authenticator = c.beside
		_, err := eap.MD5.NewPeer(who).Receive(start, request(1, eap.MD5Challenge, c.data), &q)
		if !errors.Is(err, ppp.ErrReflected) || q.Len() != 0 {
			t.Errorf("own challenge back: %v, %d packets sent", err, q.Len())
		}
	}
}

// After a Success a new conversation may begin, and must prove itself anew.
func TestAnswerAgain(t *testing.T) {
	var q ppp.Queue
	a := answering(t, proving)
	ppptest.Receive(t, a, start, packet(t, goldenSuccess), &q)
	if _, err := a.Receive(start, packet(t, goldenSuccess), &q); !errors.Is(err, eap.ErrUnexpected) {
		t.Errorf("a second Success: %v", err)
	}
	ppptest.Receive(t, a, start, request(0x90, eap.Identity, ""), &q)
	if _, err := a.Receive(start, ppp.Control{Code: eap.Success, ID: 0x90}, &q); !errors.Is(err, eap.ErrUnexpected) {
		t.Errorf("Success before the challenge: %v", err)
	}
	challenge := packet(t, goldenMD5Request)
	challenge.ID = 0x91
	ppptest.Receive(t, a, start, challenge, &q)
	if step := ppptest.Receive(t, a, start, ppp.Control{Code: eap.Success, ID: 0x91}, &q); step.Outcome != ppp.Succeeded {
		t.Errorf("%+v", step)
	}
}

// TestAccepted: that the peer goes on stands for a lost Success once we have answered a challenge,
// once, and not after a Failure.
func TestAccepted(t *testing.T) {
	challenge := func() ppp.Control {
		_, c := challenging(t, ppp.AuthTimers{})
		return c
	}
	for _, c := range []struct {
		what    string
		packets []ppp.Control
		want    ppp.Outcome
	}{
		{"nothing", nil, ppp.Pending},
		{"a request for the identity", []ppp.Control{request(1, eap.Identity, "")}, ppp.Pending},
		{"a challenge", []ppp.Control{challenge()}, ppp.Succeeded},
		{"a challenge and its Success", []ppp.Control{challenge(), {Code: eap.Success, ID: challenge().ID}}, ppp.Pending},
		{"a challenge and its Failure", []ppp.Control{challenge(), {Code: eap.Failure, ID: challenge().ID}}, ppp.Pending},
	} {
		var q ppp.Queue
		a := eap.MD5.NewPeer(credentials("testpassword"))
		a.Start(start, &q)
		for _, p := range c.packets {
			ppptest.Receive(t, a, start, p, &q)
		}
		accepted := a.(ppp.ImplicitSuccess).AssumeSuccess
		if step := accepted(); step.Outcome != c.want || c.want == ppp.Succeeded && step.Name != "testuser" {
			t.Errorf("%s: %+v, want %v", c.what, step, c.want)
		}
		if step := accepted(); step.Outcome != ppp.Pending {
			t.Errorf("%s: a second time: %+v", c.what, step)
		}
	}
}
