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

// The peer sends the packets of a real pppd, and accepts its Success.
func TestPeerGolden(t *testing.T) {
	var q ppp.Queue
	p := eap.MD5.NewPeer(credentials(password))
	p.Start(start, &q)
	for _, c := range [][2]string{{goldenIdentityRequest, goldenIdentityResponse}, {goldenMD5Request, goldenMD5Response}} {
		ppptest.Receive(t, p, start, ppptest.Packet(t, c[0]), &q)
		if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, ppptest.Packet(t, c[1])) {
			t.Errorf("%s was answered by %x", c[0], got.AppendTo(nil))
		}
	}
	step := ppptest.Receive(t, p, start, ppptest.Packet(t, goldenSuccess), &q)
	if step.Outcome != ppp.Succeeded || step.Name != "testuser" {
		t.Errorf("%+v", step)
	}
}

func TestPeerEachType(t *testing.T) {
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
		p := eap.MD5.NewPeer(credentials(password))
		step := ppptest.Receive(t, p, start, c.in, &q)
		if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, c.want) || step.Outcome != ppp.Pending {
			t.Errorf("%s: answered %x, want %x; %+v", c.what, got.AppendTo(nil), c.want.AppendTo(nil), step)
		}
	}
}

// States in which a packet is received.
const (
	started    = iota // no packet yet
	identified        // our identity was sent
	responded         // a challenge was answered, with Identifier 0x88
	sentNak           // a Nak was sent, with Identifier 0x88
)

func peerAt(t *testing.T, point int) ppp.AuthExchange {
	var q ppp.Queue
	p := eap.MD5.NewPeer(credentials(password))
	p.Start(start, &q)
	if point >= identified {
		ppptest.Receive(t, p, start, ppptest.Packet(t, goldenIdentityRequest), &q)
	}
	switch point {
	case responded:
		ppptest.Receive(t, p, start, ppptest.Packet(t, goldenMD5Request), &q)
	case sentNak:
		ppptest.Receive(t, p, start, request(0x88, 13, ""), &q)
	}
	return p
}

func TestPeerResults(t *testing.T) {
	for _, c := range []struct {
		what  string
		point int
		code  ppp.Code
		id    uint8
		want  ppp.Outcome
		err   error
	}{
		{"Success before any Request", started, eap.Success, 0, 0, eap.ErrUnexpected},
		{"Failure before any Request", started, eap.Failure, 0, 0, eap.ErrUnexpected},
		{"Success before a method", identified, eap.Success, 0x87, 0, eap.ErrUnexpected},
		{"Failure after our identity", identified, eap.Failure, 0x87, ppp.Failed, nil},
		{"Success after a Nak", sentNak, eap.Success, 0x88, 0, eap.ErrUnexpected},
		{"Failure after a Nak", sentNak, eap.Failure, 0x88, ppp.Failed, nil},
		{"Success", responded, eap.Success, 0x88, ppp.Succeeded, nil},
		{"Success as pppd sends it", responded, eap.Success, 0x89, ppp.Succeeded, nil},
		{"Success with another Identifier", responded, eap.Success, 0x87, 0, ppp.ErrStale},
		{"Failure", responded, eap.Failure, 0x88, ppp.Failed, nil},
		{"Failure with another Identifier", responded, eap.Failure, 0x8a, 0, ppp.ErrStale},
	} {
		var q ppp.Queue
		step, err := peerAt(t, c.point).Receive(start, ppp.Control{Code: c.code, ID: c.id}, &q)
		if step.Outcome != c.want || !errors.Is(err, c.err) || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

func TestPeerDrops(t *testing.T) {
	for _, c := range []struct {
		what  string
		point int
		in    ppp.Control
		want  error
	}{
		{"a Response", responded, ppptest.Packet(t, goldenMD5Response), ppp.ErrRole},
		{"an unknown code", responded, ppp.Control{Code: 5}, eap.ErrCode},
		{"a Request without a type", started, ppp.Control{Code: eap.Request}, eap.ErrType},
		{"a Nak in a Request", started, request(1, eap.Nak, "\x04"), eap.ErrUnexpected},
		{"another type after our method", responded, request(0x89, 13, ""), eap.ErrUnexpected},
		{"identity after our method", responded, request(0x89, eap.Identity, ""), eap.ErrUnexpected},
		{"a new Request with the old Identifier", identified, request(0x87, eap.Identity, "another"), ppp.ErrStale},
		{"a challenge with the Identifier of the identity", identified, request(0x87, eap.MD5Challenge, "\x01aac"), ppp.ErrStale},
		{"identity with the Identifier of the challenge", responded, request(0x88, eap.Identity, ""), ppp.ErrStale},
		{"no value", identified, request(0x88, eap.MD5Challenge, ""), chap.ErrValue},
		{"an empty value", identified, request(0x88, eap.MD5Challenge, "\x00ac"), chap.ErrValue},
		{"a value beyond the end", identified, request(0x88, eap.MD5Challenge, "\x10abc"), chap.ErrValue},
	} {
		var q ppp.Queue
		step, err := peerAt(t, c.point).Receive(start, c.in, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

// RFC 3748 section 4.1: a repeated Request gets the same Response.
func TestPeerRepeatsResponse(t *testing.T) {
	p := peerAt(t, started)
	for _, s := range []string{goldenIdentityRequest, goldenMD5Request} {
		var q ppp.Queue
		ppptest.Receive(t, p, start, ppptest.Packet(t, s), &q)
		first := ppptest.Only(t, ppp.EAP, &q)
		ppptest.Receive(t, p, start, ppptest.Packet(t, s), &q)
		if again := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(first, again) {
			t.Errorf("%s was answered by %v, then %v", s, first, again)
		}
	}
}

// TestNotificationOnce: a Notification is the message of one result, not of the next one.
func TestNotificationOnce(t *testing.T) {
	var q ppp.Queue
	p := peerAt(t, responded)
	ppptest.Receive(t, p, start, request(0x89, eap.Notification, "welcome"), &q)
	if step := ppptest.Receive(t, p, start, ppp.Control{Code: eap.Success, ID: 0x89}, &q); step.Message != "welcome" {
		t.Errorf("the first Success: %+v", step)
	}
	ppptest.Receive(t, p, start, request(0x90, eap.MD5Challenge, "\x01aac"), &q)
	if step := ppptest.Receive(t, p, start, ppp.Control{Code: eap.Failure, ID: 0x90}, &q); step.Outcome != ppp.Failed || step.Message != "" {
		t.Errorf("the Failure of the next conversation: %+v", step)
	}
}

// pppd repeats a challenge with another value under the same Identifier.
func TestPeerNewValueUnderOldIdentifier(t *testing.T) {
	var q ppp.Queue
	p := peerAt(t, responded)
	again := request(0x88, eap.MD5Challenge, "\x04\x01\x02\x03\x04lns")
	if step := ppptest.Receive(t, p, start, again, &q); step.Outcome != ppp.Pending {
		t.Errorf("%+v", step)
	}
	want := response(0x88, eap.MD5Challenge, string(chap.AppendValue(nil, chap.MD5Hash(0x88, []byte(password), []byte("\x01\x02\x03\x04")), "testuser")))
	if got := ppptest.Only(t, ppp.EAP, &q); !ppptest.Equal(got, want) {
		t.Errorf("answered %x, want %x", got.AppendTo(nil), want.AppendTo(nil))
	}
}

// Success and Failure have no text: a Notification is their message.
func TestNotificationIsTheMessage(t *testing.T) {
	for _, code := range []ppp.Code{eap.Success, eap.Failure} {
		var q ppp.Queue
		p := peerAt(t, responded)
		ppptest.Receive(t, p, start, request(0x89, eap.Notification, "your password expires"), &q)
		step := ppptest.Receive(t, p, start, ppp.Control{Code: code, ID: 0x89}, &q)
		if step.Outcome == ppp.Pending || step.Message != "your password expires" {
			t.Errorf("code %d: %+v", code, step)
		}
	}
}

func TestPeerGivesUp(t *testing.T) {
	for point, reason := range map[int]string{
		started:   "no EAP Request from the server",
		responded: "no EAP Success or Failure from the server",
	} {
		var q ppp.Queue
		p := peerAt(t, point)
		if got := p.Deadline().Sub(start); got != time.Minute {
			t.Errorf("waits %v", got)
		}
		if step := p.Advance(at(time.Minute-1), &q); step.Outcome != ppp.Pending {
			t.Errorf("too soon: %+v", step)
		}
		step := p.Advance(at(time.Minute), &q)
		if step.Outcome != ppp.Failed || step.Message != reason || q.Len() != 0 {
			t.Errorf("%+v, want %q", step, reason)
		}
		if _, err := p.Receive(at(time.Minute), ppptest.Packet(t, goldenIdentityRequest), &q); !errors.Is(err, ppp.ErrStale) || q.Len() != 0 {
			t.Errorf("a Request after the end: %v, %d packets sent", err, q.Len())
		}
	}
}

func TestPeerWithoutSecret(t *testing.T) {
	var q ppp.Queue
	creds := credentials("")
	step := ppptest.Receive(t, eap.MD5.NewPeer(creds), start, ppptest.Packet(t, goldenMD5Request), &q)
	if want := `No EAP secret found for authenticating us to "(none)"`; step.Outcome != ppp.Failed || step.Message != want || q.Len() != 0 {
		t.Errorf("%+v, %d packets sent", step, q.Len())
	}
}

// A peer that we authenticate must not get its Response from us by sending our own
// challenge back, not even by CHAP, which computes the same hash.
func TestPeerDropsReflectedChallenge(t *testing.T) {
	var q ppp.Queue
	byEAP, challenge := challengePeer(t, ppp.AuthTimers{})
	byCHAP := chap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: random(3)})
	byCHAP.Start(start, &q)
	chapData := string(q.At(0)[2+ppp.ControlHeaderLen:])
	q.Reset()
	for _, c := range []struct {
		authenticator ppp.Authenticator
		data          string
	}{{byEAP, string(challenge.Data[1:])}, {byCHAP, chapData}} {
		creds := credentials(password)
		creds.Authenticator = c.authenticator
		_, err := eap.MD5.NewPeer(creds).Receive(start, request(1, eap.MD5Challenge, c.data), &q)
		if !errors.Is(err, ppp.ErrReflected) || q.Len() != 0 {
			t.Errorf("own challenge back: %v, %d packets sent", err, q.Len())
		}
	}
}

// After a Success a new conversation may begin: its Success needs a new challenge.
func TestPeerNewConversation(t *testing.T) {
	var q ppp.Queue
	p := peerAt(t, responded)
	ppptest.Receive(t, p, start, ppptest.Packet(t, goldenSuccess), &q)
	if _, err := p.Receive(start, ppptest.Packet(t, goldenSuccess), &q); !errors.Is(err, eap.ErrUnexpected) {
		t.Errorf("a second Success: %v", err)
	}
	ppptest.Receive(t, p, start, request(0x90, eap.Identity, ""), &q)
	if _, err := p.Receive(start, ppp.Control{Code: eap.Success, ID: 0x90}, &q); !errors.Is(err, eap.ErrUnexpected) {
		t.Errorf("Success before the challenge: %v", err)
	}
	challenge := ppptest.Packet(t, goldenMD5Request)
	challenge.ID = 0x91
	ppptest.Receive(t, p, start, challenge, &q)
	if step := ppptest.Receive(t, p, start, ppp.Control{Code: eap.Success, ID: 0x91}, &q); step.Outcome != ppp.Succeeded {
		t.Errorf("%+v", step)
	}
}

// TestAssumeSuccess: success may be assumed once after we have answered a challenge, and not after
// Success or Failure.
func TestAssumeSuccess(t *testing.T) {
	challenge := func() ppp.Control {
		_, c := challengePeer(t, ppp.AuthTimers{})
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
		p := eap.MD5.NewPeer(credentials("testpassword"))
		p.Start(start, &q)
		for _, packet := range c.packets {
			ppptest.Receive(t, p, start, packet, &q)
		}
		assume := p.(ppp.ImplicitSuccess).AssumeSuccess
		if step := assume(); step.Outcome != c.want || c.want == ppp.Succeeded && step.Name != "testuser" {
			t.Errorf("%s: %+v, want %v", c.what, step, c.want)
		}
		if step := assume(); step.Outcome != ppp.Pending {
			t.Errorf("%s: a second time: %+v", c.what, step)
		}
	}
}
