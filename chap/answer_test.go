package chap_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/ppptest"
)

// MD5 draws on nothing random: the real pppd's challenge gets the real pppd's
// response.
func TestAnswerGolden(t *testing.T) {
	var q ppp.Queue
	a := chap.MD5.NewPeer(credentials(password))
	a.Start(start, &q)
	ppptest.Receive(t, a, start, packet(t, golden.md5Challenge), &q)
	if got := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(got, packet(t, golden.md5Response)) {
		t.Errorf("answered %x", got.AppendTo(nil))
	}
	step := ppptest.Receive(t, a, start, packet(t, golden.md5Success), &q)
	if step.Outcome != ppp.Succeeded || step.Message != "Access granted" || step.Name != "testuser" {
		t.Errorf("succeeded with %+v", step)
	}
	if !a.Deadline().IsZero() {
		t.Errorf("an accepted peer waits until %v", a.Deadline())
	}
}

// With the peer challenge that pppd drew, MS-CHAPv2 too is pppd's to the octet.
func TestAnswerGoldenMSv2(t *testing.T) {
	var q ppp.Queue
	who := credentials(password)
	who.Rand = strings.NewReader(string(packet(t, golden.msResponse).Data[1:17]))
	a := chap.MSv2.NewPeer(who)
	ppptest.Receive(t, a, start, packet(t, golden.msChallenge), &q)
	if got := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(got, packet(t, golden.msResponse)) {
		t.Errorf("answered %x", got.AppendTo(nil))
	}
	step := ppptest.Receive(t, a, start, packet(t, golden.msSuccess), &q)
	if step.Outcome != ppp.Succeeded || step.Message != "Access granted" {
		t.Errorf("succeeded with %+v", step)
	}
}

func TestAnswerRefused(t *testing.T) {
	var q ppp.Queue
	a := chap.MD5.NewPeer(credentials("other"))
	ppptest.Receive(t, a, start, packet(t, golden.badChallenge), &q)
	step := ppptest.Receive(t, a, start, packet(t, golden.badFailure), &q)
	if step.Outcome != ppp.Failed || step.Message != "Access denied" {
		t.Errorf("refused with %+v", step)
	}
	q.Reset()
	if _, err := a.Receive(start, packet(t, golden.md5Challenge), &q); !errors.Is(err, ppp.ErrStale) || q.Len() != 0 {
		t.Errorf("a challenge after the end: %v, %d packets sent", err, q.Len())
	}
}

// RFC 2759 section 5: a Success must prove that the authenticator knows the
// password.
func TestAnswerBelievesNoForgedSuccess(t *testing.T) {
	for _, message := range []string{
		"", "M=Access granted", "S=", "S=0000000000000000000000000000000000000000 M=Access granted",
		"S=35F3217306E6D63E9EDB4BE0608EAB373A1B0376 M=another exchange's",
	} {
		var q ppp.Queue
		a := chap.MSv2.NewPeer(credentials(password))
		ppptest.Receive(t, a, start, packet(t, golden.msChallenge), &q)
		step := ppptest.Receive(t, a, start, ppp.Control{Code: chap.Success, ID: 0x54, Data: []byte(message)}, &q)
		if step.Outcome != ppp.Failed || step.Message != "server failed to prove it knows the password" {
			t.Errorf("%q: %+v", message, step)
		}
	}
}

func TestAnswerDrops(t *testing.T) {
	challenge := packet(t, golden.md5Challenge)
	for _, c := range []struct {
		what   string
		method chap.Algorithm
		first  bool // a challenge comes before it
		packet ppp.Control
		want   error
	}{
		{"Success before any challenge", chap.MD5, false, packet(t, golden.md5Success), ppp.ErrStale},
		{"Success with id 0 before any challenge", chap.MD5, false, ppp.Control{Code: chap.Success}, ppp.ErrStale},
		{"Failure before any challenge", chap.MD5, false, packet(t, golden.badFailure), ppp.ErrStale},
		{"Success for another id", chap.MD5, true, ppp.Control{Code: chap.Success, ID: 0x61}, ppp.ErrStale},
		{"Failure for another id", chap.MD5, true, packet(t, golden.badFailure), ppp.ErrStale},
		{"Response", chap.MD5, true, packet(t, golden.md5Response), ppp.ErrRole},
		{"unknown code", chap.MD5, true, ppp.Control{Code: 9, ID: 0x60}, ppp.ErrRole},
		{"challenge without a value", chap.MD5, false, ppp.Control{Code: chap.Challenge, Data: []byte{0}}, chap.ErrValue},
		{"MS-CHAPv2 challenge of 17 octets", chap.MSv2, false, challenge, chap.ErrChallengeLength},
	} {
		var q ppp.Queue
		a := c.method.NewPeer(credentials(password))
		if c.first {
			ppptest.Receive(t, a, start, challenge, &q)
			q.Reset()
		}
		step, err := a.Receive(start, c.packet, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

func TestAnswerRepeatsItself(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		var q ppp.Queue
		_, challenge := demanding(t, m, ppp.AuthTimers{})
		a := m.NewPeer(credentials(password))
		ppptest.Receive(t, a, start, challenge, &q)
		first := ppptest.Only(t, ppp.CHAP, &q)
		ppptest.Receive(t, a, start, challenge, &q)
		if again := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(first, again) {
			t.Errorf("a repeated challenge was answered by %v, then %v", first, again)
		}
		a.Advance(at(3*time.Second), &q)
		if again := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(first, again) {
			t.Errorf("answered %v, after 3 s %v", first, again)
		}
		challenge.ID++
		ppptest.Receive(t, a, at(4*time.Second), challenge, &q)
		if next := ppptest.Only(t, ppp.CHAP, &q); next.ID != challenge.ID || ppptest.Equal(first, next) {
			t.Errorf("a new challenge was answered by %v", next)
		}
	})
}

func TestAnswerGivesUp(t *testing.T) {
	for _, c := range []struct {
		what       string
		challenged bool
		timeout    time.Duration
		ends       time.Duration // 0: never
		responses  int
		why        string
	}{
		{"never challenged", false, 0, time.Minute, 0, "server does not challenge us"},
		{"never accepted", true, 0, time.Minute, 10, "server does not say whether it accepts our response"},
		{"never challenged, 7 s", false, 7 * time.Second, 7 * time.Second, 0, "server does not challenge us"},
		{"never accepted, no bound", true, -1, 0, 10, ""},
	} {
		var q ppp.Queue
		who := credentials(password)
		who.Timers.Timeout = c.timeout
		a := chap.MD5.NewPeer(who)
		a.Start(start, &q)
		if c.challenged {
			ppptest.Receive(t, a, start, packet(t, golden.md5Challenge), &q)
		}
		last, end := run(a, &q)
		if sent := len(ppptest.Drain(t, ppp.CHAP, &q)); sent != c.responses {
			t.Errorf("%s: %d responses, want %d", c.what, sent, c.responses)
		}
		if c.ends == 0 && end.Outcome == ppp.Pending {
			continue
		}
		if end.Outcome != ppp.Failed || end.Message != c.why || last != c.ends {
			t.Errorf("%s: after %v %+v, want %q after %v", c.what, last, end, c.why, c.ends)
		}
	}
}

// run lets time pass until nothing more is due, and says when something last
// was.
func run(x ppp.AuthExchange, q *ppp.Queue) (last time.Duration, end ppp.Step) {
	for range 1000 {
		due := x.Deadline()
		if due.IsZero() {
			return last, end
		}
		last = due.Sub(start)
		if step := x.Advance(due, q); step.Outcome != ppp.Pending {
			end = step
		}
	}
	return last, end
}

func TestAnswerWithoutSecret(t *testing.T) {
	for what, find := range map[string]func(string) ([]byte, bool){
		"none":  func(string) ([]byte, bool) { return nil, false },
		"empty": func(string) ([]byte, bool) { return nil, true },
	} {
		var q ppp.Queue
		who := credentials("")
		who.Secret = find
		step := ppptest.Receive(t, chap.MD5.NewPeer(who), start, packet(t, golden.md5Challenge), &q)
		if want := `No CHAP secret found for authenticating us to "(none)"`; step.Outcome != ppp.Failed || step.Message != want {
			t.Errorf("%s: %+v", what, step)
		}
		if q.Len() != 0 {
			t.Errorf("%s: something was sent", what)
		}
	}
}

// A peer that is itself to be authenticated must not have us compute its
// response.
func TestAnswerRefusesReflection(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		var q ppp.Queue
		demand, challenge := demanding(t, m, ppp.AuthTimers{})
		who := credentials(password)
		who.Authenticator = demand
		a := m.NewPeer(who)

		value, _, err := chap.ParseValue(challenge.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ac", "another"} {
			for _, id := range []uint8{challenge.ID, challenge.ID + 1} {
				back := ppp.Control{Code: chap.Challenge, ID: id, Data: chap.AppendValue(nil, value, name)}
				if _, err := a.Receive(start, back, &q); !errors.Is(err, ppp.ErrReflected) || q.Len() != 0 {
					t.Errorf("own challenge back, id %d, name %s: %v, %d packets sent", id, name, err, q.Len())
				}
			}
		}
		value[0] ^= 1
		ppptest.Receive(t, a, start, ppp.Control{Code: chap.Challenge, ID: 1, Data: chap.AppendValue(nil, value, "ac")}, &q)
		ppptest.Only(t, ppp.CHAP, &q)
	})
}

// The secret is looked up by the name in the challenge.
func TestAnswerAsksForTheServersSecret(t *testing.T) {
	var q ppp.Queue
	var asked string
	who := credentials("")
	who.Secret = func(peer string) ([]byte, bool) {
		asked = peer
		return []byte(password), true
	}
	ppptest.Receive(t, chap.MD5.NewPeer(who), start, packet(t, golden.md5Challenge), &q)
	if asked != "(none)" {
		t.Errorf("asked for the secret of %q", asked)
	}
}

// TestAnswerAnew: a challenge is a repetition if both its Identifier and its octets are those of the
// last one; any other is answered anew, and as often as the first (RFC 1994 section 4.1).
func TestAnswerAnew(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		_, challenge := demanding(t, m, ppp.AuthTimers{})
		other := ppp.Control{Code: chap.Challenge, ID: challenge.ID, Data: append([]byte(nil), challenge.Data...)}
		other.Data[1] ^= 1
		for name, next := range map[string]ppp.Control{
			"another value": other, "another Identifier": {Code: chap.Challenge, ID: challenge.ID + 1, Data: challenge.Data},
		} {
			var q ppp.Queue
			a := m.NewPeer(credentials(password))
			a.Start(start, &q)
			now := start
			responses := func(c ppp.Control) (n int) {
				ppptest.Receive(t, a, now, c, &q)
				first := ppptest.Only(t, ppp.CHAP, &q)
				for n = 1; now.Before(at(59 * time.Second)); n++ {
					if now = now.Add(3 * time.Second); now.After(at(59 * time.Second)) {
						break
					}
					a.Advance(now, &q)
					if q.Len() == 0 {
						break
					}
					if again := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(first, again) {
						t.Errorf("%s: %v is repeated as %v", name, first, again)
					}
				}
				return n
			}
			if n := responses(challenge); n != 10 {
				t.Errorf("%s: the first one is answered %d times, want 10", name, n)
			}
			if n := responses(next); n < 9 { // as far as the minute goes
				t.Errorf("%s: it is answered %d times", name, n)
			}
		}
	})
}

// TestAnswerSucceedsOnce: a second verdict on one Response has no effect.
func TestAnswerSucceedsOnce(t *testing.T) {
	var q ppp.Queue
	a := chap.MD5.NewPeer(credentials(password))
	a.Start(start, &q)
	ppptest.Receive(t, a, start, packet(t, golden.md5Challenge), &q)
	ppptest.Receive(t, a, start, packet(t, golden.md5Success), &q)
	failure := packet(t, golden.badFailure)
	failure.ID = packet(t, golden.md5Success).ID
	for _, c := range []ppp.Control{packet(t, golden.md5Success), failure} {
		if step, err := a.Receive(start, c, &q); !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending {
			t.Errorf("after Success, code %d: %+v, %v", c.Code, step, err)
		}
	}
}
