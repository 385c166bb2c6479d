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
		d, challenge := demanding(t, m, ppp.AuthTimers{Rechallenge: time.Minute})
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
			ppptest.Receive(t, d, now, respond(t, m, password, challenge), &q)
			d.SetResult(now, ppp.AuthResult{Accepted: true}, &q)
			q.Reset()
			now = d.Deadline()
			d.Advance(now, &q)
			next := ppptest.Only(t, ppp.CHAP, &q)
			if next.ID == challenge.ID {
				t.Errorf("two challenges with the identifier %d", next.ID)
			}
			challenge = next
		}
	})
}

func TestDemandRepeatsAndGivesUp(t *testing.T) {
	for _, c := range []struct {
		timers ppp.AuthTimers
		sent   int
		ends   time.Duration
	}{
		{ppp.AuthTimers{}, 10, 30 * time.Second},
		{ppp.AuthTimers{Restart: time.Second, MaxTransmit: 4}, 4, 4 * time.Second},
	} {
		var q ppp.Queue
		d, first := demanding(t, chap.MD5, c.timers)
		last, end := run(d, &q)
		sent := ppptest.Drain(t, ppp.CHAP, &q)
		for _, again := range sent {
			if !ppptest.Equal(first, again) {
				t.Errorf("sent %v, then %v", first, again)
			}
		}
		if 1+len(sent) != c.sent || last != c.ends || end.Outcome != ppp.Failed {
			t.Errorf("%+v: %d challenges, after %v %+v", c.timers, 1+len(sent), last, end)
		}
		step, err := d.Receive(at(c.ends), respond(t, chap.MD5, password, first), &q)
		if !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("a response too late: %+v, error %v, %d packets sent", step, err, q.Len())
		}
	}
}

// RFC 1994 section 4.1: while a response is judged, and after, it may come
// again; it is judged once, and gets one reply.
func TestDemandJudgesOnce(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		for _, grant := range []bool{true, false} {
			var q ppp.Queue
			d, challenge := demanding(t, m, ppp.AuthTimers{})
			response := respond(t, m, password, challenge)
			ppptest.Receive(t, d, start, response, &q)
			if _, err := d.Receive(start, response, &q); !errors.Is(err, ppp.ErrAuthPending) {
				t.Errorf("repeated while judged: %v", err)
			}
			if last, _ := run(d, &q); last != 0 || q.Len() != 0 {
				t.Errorf("while judged: something was due after %v, %d packets sent", last, q.Len())
			}
			d.SetResult(start, ppp.AuthResult{Accepted: grant}, &q)
			verdict := ppptest.Only(t, ppp.CHAP, &q)

			other := respond(t, m, "other", challenge)
			for _, again := range []ppp.Control{response, other, {Code: chap.Response, ID: challenge.ID}} {
				step := ppptest.Receive(t, d, at(time.Second), again, &q)
				if got := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(got, verdict) || step.Outcome != ppp.Pending {
					t.Errorf("granted %v, then repeated: %v, %+v; want %v", grant, got, step, verdict)
				}
			}
			if step := d.SetResult(start, ppp.AuthResult{Accepted: !grant}, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
				t.Errorf("a decision nobody asked for: %+v, %d packets sent", step, q.Len())
			}
		}
	})
}

func TestDemandDrops(t *testing.T) {
	d, challenge := demanding(t, chap.MD5, ppp.AuthTimers{})
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
		step, err := d.Receive(start, c.packet, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
	var q ppp.Queue
	if step := ppptest.Receive(t, d, start, good, &q); step.Outcome != ppp.AwaitingResult {
		t.Errorf("the response itself: %+v", step)
	}
}

// Before its first challenge an authenticator hears nothing.
func TestDemandNotBegun(t *testing.T) {
	var q ppp.Queue
	d := chap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: dice(2)})
	early := ppp.Control{Code: chap.Response, Data: chap.AppendValue(nil, chap.MD5Hash(0, []byte(password), nil), "testuser")}
	step, err := d.Receive(start, early, &q)
	if !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending || q.Len() != 0 {
		t.Errorf("%+v, error %v, %d packets sent", step, err, q.Len())
	}
}

// What can prove nothing is refused at once: nobody is asked.
func TestDemandRefuses(t *testing.T) {
	for m, length := range map[chap.Algorithm]int{chap.MD5: 15, chap.MSv2: 16} {
		var q ppp.Queue
		d, challenge := demanding(t, m, ppp.AuthTimers{})
		short := ppp.Control{Code: chap.Response, ID: challenge.ID, Data: chap.AppendValue(nil, make([]byte, length), "testuser")}
		step := ppptest.Receive(t, d, start, short, &q)
		if verdict := ppptest.Only(t, ppp.CHAP, &q); step.Outcome != ppp.Failed || verdict.Code != chap.Failure {
			t.Errorf("%v: a response of %d octets: %+v, code %d", m, length, step, verdict.Code)
		}
	}
}

func TestFurtherChallenge(t *testing.T) {
	for _, c := range []struct {
		what    string
		name    string
		grant   bool
		outcome ppp.Outcome
	}{
		{"right again", "testuser", true, ppp.Succeeded},
		{"wrong now", "testuser", false, ppp.Failed},
		{"somebody else now", "root", true, ppp.Failed},
	} {
		var q ppp.Queue
		d, challenge := demanding(t, chap.MD5, ppp.AuthTimers{Rechallenge: time.Minute})
		ppptest.Receive(t, d, start, respond(t, chap.MD5, password, challenge), &q)
		d.SetResult(start, ppp.AuthResult{Accepted: true}, &q)
		q.Reset()

		d.Advance(at(59*time.Second), &q)
		if q.Len() != 0 {
			t.Errorf("%s: challenged too soon", c.what)
		}
		d.Advance(at(time.Minute), &q)
		response := respond(t, chap.MD5, password, ppptest.Only(t, ppp.CHAP, &q))
		if _, err := d.Receive(at(time.Minute), respond(t, chap.MD5, password, challenge), &q); !errors.Is(err, ppp.ErrStale) {
			t.Errorf("%s: the old response: %v", c.what, err)
		}
		response.Data = append(response.Data[:17], c.name...)
		step := ppptest.Receive(t, d, at(time.Minute), response, &q)
		if step.Outcome == ppp.AwaitingResult {
			step = d.SetResult(at(time.Minute), ppp.AuthResult{Accepted: c.grant}, &q)
		}
		if step.Outcome != c.outcome {
			t.Errorf("%s: %+v", c.what, step)
		}
	}
}

func TestNoAgainByDefault(t *testing.T) {
	var q ppp.Queue
	d, challenge := demanding(t, chap.MD5, ppp.AuthTimers{})
	ppptest.Receive(t, d, start, respond(t, chap.MD5, password, challenge), &q)
	d.SetResult(start, ppp.AuthResult{Accepted: true}, &q)
	if !d.Deadline().IsZero() {
		t.Errorf("an authenticated peer is due at %v", d.Deadline())
	}
}

func TestMessages(t *testing.T) {
	const proof = "S=0123456789012345678901234567890123456789"
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		what     string
		method   chap.Algorithm
		decision ppp.AuthResult
		want     string
	}{
		{"pppd's words", chap.MD5, ppp.AuthResult{Accepted: true}, "Access granted"},
		{"pppd's words", chap.MD5, ppp.AuthResult{}, "Access denied"},
		{"the authority's words", chap.MD5, ppp.AuthResult{Message: "no"}, "no"},
		{"more words than fit", chap.MD5, ppp.AuthResult{Message: long}, long[:255]},
		{"pppd's words", chap.MSv2, ppp.AuthResult{Accepted: true, Message: proof}, proof + " M=Access granted"},
		{"RADIUS's words", chap.MSv2, ppp.AuthResult{Accepted: true, Message: proof + " M=hi"}, proof + " M=hi"},
		{"no proof", chap.MSv2, ppp.AuthResult{Accepted: true}, "M=Access granted"},
		{"pppd's words", chap.MSv2, ppp.AuthResult{}, "E=691 R=0 C=# V=3 M=Access denied"},
		{"the authority's words", chap.MSv2, ppp.AuthResult{Message: "no"}, "E=691 R=0 C=# V=3 M=no"},
		{"RADIUS's words", chap.MSv2, ppp.AuthResult{Message: "E=648 R=1 V=3 M=old"}, "E=648 R=0 C=# V=3 M=old"},
	} {
		var q ppp.Queue
		d, challenge := demanding(t, c.method, ppp.AuthTimers{})
		value, _, err := chap.ParseValue(challenge.Data)
		if err != nil {
			t.Fatal(err)
		}
		ppptest.Receive(t, d, start, respond(t, c.method, password, challenge), &q)
		d.SetResult(start, c.decision, &q)
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

// TestFirstIdentifier: it is random, so that it tells nothing of other exchanges.
func TestFirstIdentifier(t *testing.T) {
	for drawn, want := range map[byte]uint8{0: 1, 0x7f: 0x80, 0xfe: 0xff, 0xff: 0} {
		var q ppp.Queue
		chap.MD5.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac", Rand: bytes.NewReader(bytes.Repeat([]byte{drawn}, 1000))}).Start(start, &q)
		if got := ppptest.Only(t, ppp.CHAP, &q).ID; got != want {
			t.Errorf("with %#x drawn the first Identifier is %#x, want %#x", drawn, got, want)
		}
	}
}
