package chap_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

func TestChallengesDiffer(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		a, challenge := startAuthenticator(t, m, ppp.AuthTimers{Rechallenge: time.Minute})
		seen := map[string]bool{}
		now := start
		for range 50 {
			value, name, err := chap.ParseValue(challenge.Data)
			if err != nil || string(name) != "ac" || seen[string(value)] {
				t.Fatalf("challenge %x of %q, error %v, seen before: %v", value, name, err, seen[string(value)])
			}
			if n := len(value); n < 16 || n > 24 || m == chap.MSv2 && n != 16 {
				t.Errorf("a challenge of %d octets", n)
			}
			seen[string(value)] = true

			var q ppp.Queue
			ppptest.Receive(t, a, now, respond(t, m, password, challenge), &q)
			a.SetResult(now, ppp.AuthResult{Accepted: true}, &q)
			q.Reset()
			now = a.Deadline()
			a.Advance(now, &q)
			next := ppptest.Only(t, ppp.CHAP, &q)
			if next.ID == challenge.ID {
				t.Errorf("two challenges with the identifier %d", next.ID)
			}
			challenge = next
		}
	})
}

func TestAuthenticatorRepeatsAndGivesUp(t *testing.T) {
	for _, c := range []struct {
		timers ppp.AuthTimers
		sent   int
		ends   time.Duration
	}{
		{ppp.AuthTimers{}, 10, 30 * time.Second},
		{ppp.AuthTimers{Restart: time.Second, MaxTransmit: 4}, 4, 4 * time.Second},
	} {
		var q ppp.Queue
		a, first := startAuthenticator(t, chap.MD5, c.timers)
		last, end := run(a, &q)
		sent := ppptest.Drain(t, ppp.CHAP, &q)
		for _, again := range sent {
			if !ppptest.Equal(first, again) {
				t.Errorf("sent %v, then %v", first, again)
			}
		}
		if 1+len(sent) != c.sent || last != c.ends || end.Outcome != ppp.Failed {
			t.Errorf("%+v: %d challenges, after %v %+v", c.timers, 1+len(sent), last, end)
		}
		step, err := a.Receive(at(c.ends), respond(t, chap.MD5, password, first), &q)
		if !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("a response too late: %+v, error %v, %d packets sent", step, err, q.Len())
		}
	}
}

// RFC 1994 section 4.1: a Response may be repeated before and after the result. It is
// authenticated once, and gets the same reply each time.
func TestAuthenticatorAsksOnce(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		for _, accepted := range []bool{true, false} {
			var q ppp.Queue
			a, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
			response := respond(t, m, password, challenge)
			ppptest.Receive(t, a, start, response, &q)
			if _, err := a.Receive(start, response, &q); !errors.Is(err, ppp.ErrAuthPending) {
				t.Errorf("repeated before the result: %v", err)
			}
			if last, _ := run(a, &q); last != 0 || q.Len() != 0 {
				t.Errorf("before the result: something was due after %v, %d packets sent", last, q.Len())
			}
			a.SetResult(start, ppp.AuthResult{Accepted: accepted}, &q)
			reply := ppptest.Only(t, ppp.CHAP, &q)

			other := respond(t, m, "other", challenge)
			for _, again := range []ppp.Control{response, other, {Code: chap.Response, ID: challenge.ID}} {
				step := ppptest.Receive(t, a, at(time.Second), again, &q)
				if got := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(got, reply) || step.Outcome != ppp.Pending {
					t.Errorf("accepted %v, then repeated: %v, %+v; want %v", accepted, got, step, reply)
				}
			}
			if step := a.SetResult(start, ppp.AuthResult{Accepted: !accepted}, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
				t.Errorf("a result that was not requested: %+v, %d packets sent", step, q.Len())
			}
		}
	})
}

func TestAuthenticatorDrops(t *testing.T) {
	a, challenge := startAuthenticator(t, chap.MD5, ppp.AuthTimers{})
	good := respond(t, chap.MD5, password, challenge)
	for _, c := range []struct {
		what   string
		packet ppp.Control
		want   error
	}{
		{"another id", ppp.Control{Code: chap.Response, ID: good.ID + 1, Data: good.Data}, ppp.ErrStale},
		{"value beyond the end", ppp.Control{Code: chap.Response, ID: good.ID, Data: good.Data[:16]}, chap.ErrValue},
		{"no data", ppp.Control{Code: chap.Response, ID: good.ID}, chap.ErrValue},
		{"Challenge", challenge, ppp.ErrRole},
		{"Success", ppp.Control{Code: chap.Success, ID: good.ID}, ppp.ErrRole},
		{"Failure", ppp.Control{Code: chap.Failure, ID: good.ID}, ppp.ErrRole},
		{"code 0", ppp.Control{ID: good.ID}, ppp.ErrRole},
	} {
		var q ppp.Queue
		step, err := a.Receive(start, c.packet, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
	var q ppp.Queue
	if step := ppptest.Receive(t, a, start, good, &q); step.Outcome != ppp.AwaitingResult {
		t.Errorf("the response itself: %+v", step)
	}
}

// Before its first Challenge an authenticator drops every packet.
func TestAuthenticatorNotStarted(t *testing.T) {
	var q ppp.Queue
	a := chap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: random(2)})
	early := ppp.Control{Code: chap.Response, Data: chap.AppendValue(nil, chap.MD5Hash(0, []byte(password), nil), "testuser")}
	step, err := a.Receive(start, early, &q)
	if !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending || q.Len() != 0 {
		t.Errorf("%+v, error %v, %d packets sent", step, err, q.Len())
	}
}

// A Response that cannot be valid is rejected at once, without authentication.
func TestAuthenticatorRejectsWrongLength(t *testing.T) {
	for m, length := range map[chap.Algorithm]int{chap.MD5: 15, chap.MSv2: 16} {
		var q ppp.Queue
		a, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
		short := ppp.Control{Code: chap.Response, ID: challenge.ID, Data: chap.AppendValue(nil, make([]byte, length), "testuser")}
		step := ppptest.Receive(t, a, start, short, &q)
		if reply := ppptest.Only(t, ppp.CHAP, &q); step.Outcome != ppp.Failed || reply.Code != chap.Failure {
			t.Errorf("%v: a response of %d octets: %+v, code %d", m, length, step, reply.Code)
		}
	}
}

func TestRechallenge(t *testing.T) {
	for _, c := range []struct {
		what    string
		name    string
		accept  bool
		outcome ppp.Outcome
	}{
		{"accepted again", "testuser", true, ppp.Succeeded},
		{"rejected now", "testuser", false, ppp.Failed},
		{"another name", "root", true, ppp.Failed},
	} {
		var q ppp.Queue
		a, challenge := startAuthenticator(t, chap.MD5, ppp.AuthTimers{Rechallenge: time.Minute})
		ppptest.Receive(t, a, start, respond(t, chap.MD5, password, challenge), &q)
		a.SetResult(start, ppp.AuthResult{Accepted: true}, &q)
		q.Reset()

		a.Advance(at(59*time.Second), &q)
		if q.Len() != 0 {
			t.Errorf("%s: challenged too soon", c.what)
		}
		a.Advance(at(time.Minute), &q)
		response := respond(t, chap.MD5, password, ppptest.Only(t, ppp.CHAP, &q))
		if _, err := a.Receive(at(time.Minute), respond(t, chap.MD5, password, challenge), &q); !errors.Is(err, ppp.ErrStale) {
			t.Errorf("%s: the old response: %v", c.what, err)
		}
		response.Data = append(response.Data[:17], c.name...)
		step := ppptest.Receive(t, a, at(time.Minute), response, &q)
		if step.Outcome == ppp.AwaitingResult {
			step = a.SetResult(at(time.Minute), ppp.AuthResult{Accepted: c.accept}, &q)
		}
		if step.Outcome != c.outcome {
			t.Errorf("%s: %+v", c.what, step)
		}
	}
}

func TestNoRechallengeByDefault(t *testing.T) {
	var q ppp.Queue
	a, challenge := startAuthenticator(t, chap.MD5, ppp.AuthTimers{})
	ppptest.Receive(t, a, start, respond(t, chap.MD5, password, challenge), &q)
	a.SetResult(start, ppp.AuthResult{Accepted: true}, &q)
	if !a.Deadline().IsZero() {
		t.Errorf("an authenticated peer is due at %v", a.Deadline())
	}
}

func TestMessages(t *testing.T) {
	const signature = "S=0123456789012345678901234567890123456789"
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		what   string
		method chap.Algorithm
		result ppp.AuthResult
		want   string
	}{
		{"pppd's words", chap.MD5, ppp.AuthResult{Accepted: true}, "Access granted"},
		{"pppd's words", chap.MD5, ppp.AuthResult{}, "Access denied"},
		{"AAA's words", chap.MD5, ppp.AuthResult{Message: "no"}, "no"},
		{"a message that is too long", chap.MD5, ppp.AuthResult{Message: long}, long[:255]},
		{"pppd's words", chap.MSv2, ppp.AuthResult{Accepted: true, Message: signature}, signature + " M=Access granted"},
		{"RADIUS's words", chap.MSv2, ppp.AuthResult{Accepted: true, Message: signature + " M=hi"}, signature + " M=hi"},
		{"no authenticator response", chap.MSv2, ppp.AuthResult{Accepted: true}, "M=Access granted"},
		{"pppd's words", chap.MSv2, ppp.AuthResult{}, "E=691 R=0 C=# V=3 M=Access denied"},
		{"AAA's words", chap.MSv2, ppp.AuthResult{Message: "no"}, "E=691 R=0 C=# V=3 M=no"},
		{"RADIUS's words", chap.MSv2, ppp.AuthResult{Message: "E=648 R=1 V=3 M=old"}, "E=648 R=0 C=# V=3 M=old"},
	} {
		var q ppp.Queue
		a, challenge := startAuthenticator(t, c.method, ppp.AuthTimers{})
		value, _, err := chap.ParseValue(challenge.Data)
		if err != nil {
			t.Fatal(err)
		}
		ppptest.Receive(t, a, start, respond(t, c.method, password, challenge), &q)
		a.SetResult(start, c.result, &q)
		got := string(ppptest.Only(t, ppp.CHAP, &q).Data)
		if f, err := chap.ParseMSFailure([]byte(got)); err == nil {
			if !bytes.Equal(f.Challenge, value) {
				t.Errorf("%v, %s: C=%x", c.method, c.what, f.Challenge)
			}
			got = strings.Replace(got, strings.ToUpper(hexString(value)), "#", 1)
		}
		if got != c.want {
			t.Errorf("%v, %s: said %q, want %q", c.method, c.what, got, c.want)
		}
	}
}

// TestFirstIdentifier: it is random, so that it reveals nothing about other exchanges.
func TestFirstIdentifier(t *testing.T) {
	for drawn, want := range map[byte]uint8{0: 1, 0x7f: 0x80, 0xfe: 0xff, 0xff: 0} {
		var q ppp.Queue
		chap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: bytes.NewReader(bytes.Repeat([]byte{drawn}, 1000))}).Start(start, &q)
		if got := ppptest.Only(t, ppp.CHAP, &q).ID; got != want {
			t.Errorf("with %#x drawn the first Identifier is %#x, want %#x", drawn, got, want)
		}
	}
}
