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

// A Response by MD5 has nothing random in it: the Challenge of a real pppd gets the
// Response of a real pppd.
func TestPeerGolden(t *testing.T) {
	var q ppp.Queue
	p := chap.MD5.NewPeer(credentials(password))
	p.Start(start, &q)
	ppptest.Receive(t, p, start, ppptest.Packet(t, golden.md5Challenge), &q)
	if got := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(got, ppptest.Packet(t, golden.md5Response)) {
		t.Errorf("answered %x", got.AppendTo(nil))
	}
	step := ppptest.Receive(t, p, start, ppptest.Packet(t, golden.md5Success), &q)
	if step.Outcome != ppp.Succeeded || step.Message != "Access granted" || step.Name != "testuser" {
		t.Errorf("succeeded with %+v", step)
	}
	if !p.Deadline().IsZero() {
		t.Errorf("an accepted peer waits until %v", p.Deadline())
	}
}

// With the peer challenge of a real pppd, the Response by MS-CHAPv2 equals pppd's.
func TestPeerGoldenMSv2(t *testing.T) {
	var q ppp.Queue
	creds := credentials(password)
	creds.Rand = strings.NewReader(string(ppptest.Packet(t, golden.msResponse).Data[1:17]))
	p := chap.MSv2.NewPeer(creds)
	ppptest.Receive(t, p, start, ppptest.Packet(t, golden.msChallenge), &q)
	if got := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(got, ppptest.Packet(t, golden.msResponse)) {
		t.Errorf("answered %x", got.AppendTo(nil))
	}
	step := ppptest.Receive(t, p, start, ppptest.Packet(t, golden.msSuccess), &q)
	if step.Outcome != ppp.Succeeded || step.Message != "Access granted" {
		t.Errorf("succeeded with %+v", step)
	}
}

func TestPeerFailure(t *testing.T) {
	var q ppp.Queue
	p := chap.MD5.NewPeer(credentials("other"))
	ppptest.Receive(t, p, start, ppptest.Packet(t, golden.badChallenge), &q)
	step := ppptest.Receive(t, p, start, ppptest.Packet(t, golden.badFailure), &q)
	if step.Outcome != ppp.Failed || step.Message != "Access denied" {
		t.Errorf("failed with %+v", step)
	}
	q.Reset()
	if _, err := p.Receive(start, ppptest.Packet(t, golden.md5Challenge), &q); !errors.Is(err, ppp.ErrStale) || q.Len() != 0 {
		t.Errorf("a challenge after the end: %v, %d packets sent", err, q.Len())
	}
}

// RFC 2759 section 5: a Success must prove that the authenticator knows the password.
func TestPeerRejectsForgedSuccess(t *testing.T) {
	for _, message := range []string{
		"", "M=Access granted", "S=", "S=0000000000000000000000000000000000000000 M=Access granted",
		"S=35F3217306E6D63E9EDB4BE0608EAB373A1B0376 M=another exchange's",
	} {
		var q ppp.Queue
		p := chap.MSv2.NewPeer(credentials(password))
		ppptest.Receive(t, p, start, ppptest.Packet(t, golden.msChallenge), &q)
		step := ppptest.Receive(t, p, start, ppp.Control{Code: chap.Success, ID: 0x54, Data: []byte(message)}, &q)
		if step.Outcome != ppp.Failed || step.Message != "server failed to prove it knows the password" {
			t.Errorf("%q: %+v", message, step)
		}
	}
}

func TestPeerDrops(t *testing.T) {
	challenge := ppptest.Packet(t, golden.md5Challenge)
	for _, c := range []struct {
		what   string
		method chap.Algorithm
		first  bool // a Challenge is received before it
		packet ppp.Control
		want   error
	}{
		{"Success before any challenge", chap.MD5, false, ppptest.Packet(t, golden.md5Success), ppp.ErrStale},
		{"Success with id 0 before any challenge", chap.MD5, false, ppp.Control{Code: chap.Success}, ppp.ErrStale},
		{"Failure before any challenge", chap.MD5, false, ppptest.Packet(t, golden.badFailure), ppp.ErrStale},
		{"Success for another id", chap.MD5, true, ppp.Control{Code: chap.Success, ID: 0x61}, ppp.ErrStale},
		{"Failure for another id", chap.MD5, true, ppptest.Packet(t, golden.badFailure), ppp.ErrStale},
		{"Response", chap.MD5, true, ppptest.Packet(t, golden.md5Response), ppp.ErrRole},
		{"unknown code", chap.MD5, true, ppp.Control{Code: 9, ID: 0x60}, ppp.ErrRole},
		{"challenge without a value", chap.MD5, false, ppp.Control{Code: chap.Challenge, Data: []byte{0}}, chap.ErrValue},
		{"MS-CHAPv2 challenge of 17 octets", chap.MSv2, false, challenge, chap.ErrChallengeLength},
	} {
		var q ppp.Queue
		p := c.method.NewPeer(credentials(password))
		if c.first {
			ppptest.Receive(t, p, start, challenge, &q)
			q.Reset()
		}
		step, err := p.Receive(start, c.packet, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

func TestPeerRepeatsResponse(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		var q ppp.Queue
		_, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
		p := m.NewPeer(credentials(password))
		ppptest.Receive(t, p, start, challenge, &q)
		first := ppptest.Only(t, ppp.CHAP, &q)
		ppptest.Receive(t, p, start, challenge, &q)
		if again := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(first, again) {
			t.Errorf("a repeated challenge was answered by %v, then %v", first, again)
		}
		p.Advance(at(3*time.Second), &q)
		if again := ppptest.Only(t, ppp.CHAP, &q); !ppptest.Equal(first, again) {
			t.Errorf("answered %v, after 3 s %v", first, again)
		}
		challenge.ID++
		ppptest.Receive(t, p, at(4*time.Second), challenge, &q)
		if next := ppptest.Only(t, ppp.CHAP, &q); next.ID != challenge.ID || ppptest.Equal(first, next) {
			t.Errorf("a new challenge was answered by %v", next)
		}
	})
}

func TestPeerGivesUp(t *testing.T) {
	for _, c := range []struct {
		what       string
		challenged bool
		timeout    time.Duration
		ends       time.Duration // 0: never
		responses  int
		reason     string
	}{
		{"never challenged", false, 0, time.Minute, 0, "no CHAP Challenge from the server"},
		{"never accepted", true, 0, time.Minute, 10, "no CHAP Success or Failure from the server"},
		{"never challenged, 7 s", false, 7 * time.Second, 7 * time.Second, 0, "no CHAP Challenge from the server"},
		{"never accepted, no bound", true, -1, 0, 10, ""},
	} {
		var q ppp.Queue
		creds := credentials(password)
		creds.Timers.Timeout = c.timeout
		p := chap.MD5.NewPeer(creds)
		p.Start(start, &q)
		if c.challenged {
			ppptest.Receive(t, p, start, ppptest.Packet(t, golden.md5Challenge), &q)
		}
		last, end := run(p, &q)
		if sent := len(ppptest.Drain(t, ppp.CHAP, &q)); sent != c.responses {
			t.Errorf("%s: %d responses, want %d", c.what, sent, c.responses)
		}
		if c.ends == 0 && end.Outcome == ppp.Pending {
			continue
		}
		if end.Outcome != ppp.Failed || end.Message != c.reason || last != c.ends {
			t.Errorf("%s: after %v %+v, want %q after %v", c.what, last, end, c.reason, c.ends)
		}
	}
}

// run advances time until there is no deadline, and returns the last one and the last
// Step with an outcome.
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

func TestPeerWithoutSecret(t *testing.T) {
	for what, secret := range map[string]func(string) ([]byte, bool){
		"none":  func(string) ([]byte, bool) { return nil, false },
		"empty": func(string) ([]byte, bool) { return nil, true },
	} {
		var q ppp.Queue
		creds := credentials("")
		creds.Secret = secret
		step := ppptest.Receive(t, chap.MD5.NewPeer(creds), start, ppptest.Packet(t, golden.md5Challenge), &q)
		if want := `No CHAP secret found for authenticating us to "(none)"`; step.Outcome != ppp.Failed || step.Message != want {
			t.Errorf("%s: %+v", what, step)
		}
		if q.Len() != 0 {
			t.Errorf("%s: something was sent", what)
		}
	}
}

// A peer that we authenticate must not get its Response from us by sending our own
// Challenge back.
func TestPeerDropsReflectedChallenge(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		var q ppp.Queue
		authenticator, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
		creds := credentials(password)
		creds.Authenticator = authenticator
		p := m.NewPeer(creds)

		value, _, err := chap.ParseValue(challenge.Data)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"ac", "another"} {
			for _, id := range []uint8{challenge.ID, challenge.ID + 1} {
				reflected := ppp.Control{Code: chap.Challenge, ID: id, Data: chap.AppendValue(nil, value, name)}
				if _, err := p.Receive(start, reflected, &q); !errors.Is(err, ppp.ErrReflected) || q.Len() != 0 {
					t.Errorf("own challenge back, id %d, name %s: %v, %d packets sent", id, name, err, q.Len())
				}
			}
		}
		value[0] ^= 1
		ppptest.Receive(t, p, start, ppp.Control{Code: chap.Challenge, ID: 1, Data: chap.AppendValue(nil, value, "ac")}, &q)
		ppptest.Only(t, ppp.CHAP, &q)
	})
}

// The secret is looked up by the name in the Challenge.
func TestPeerLooksUpSecretByServerName(t *testing.T) {
	var q ppp.Queue
	var name string
	creds := credentials("")
	creds.Secret = func(peer string) ([]byte, bool) {
		name = peer
		return []byte(password), true
	}
	ppptest.Receive(t, chap.MD5.NewPeer(creds), start, ppptest.Packet(t, golden.md5Challenge), &q)
	if name != "(none)" {
		t.Errorf("looked up the secret of %q", name)
	}
}

// TestPeerNewChallenge: a Challenge is a repetition if both its Identifier and its data equal those
// of the last one. Any other gets a new Response, sent as often as the first (RFC 1994 section 4.1).
func TestPeerNewChallenge(t *testing.T) {
	algorithms(t, func(t *testing.T, m chap.Algorithm) {
		_, challenge := startAuthenticator(t, m, ppp.AuthTimers{})
		other := ppp.Control{Code: chap.Challenge, ID: challenge.ID, Data: append([]byte(nil), challenge.Data...)}
		other.Data[1] ^= 1
		for name, next := range map[string]ppp.Control{
			"another value": other, "another Identifier": {Code: chap.Challenge, ID: challenge.ID + 1, Data: challenge.Data},
		} {
			var q ppp.Queue
			p := m.NewPeer(credentials(password))
			p.Start(start, &q)
			now := start
			responses := func(c ppp.Control) (n int) {
				ppptest.Receive(t, p, now, c, &q)
				first := ppptest.Only(t, ppp.CHAP, &q)
				for n = 1; now.Before(at(59 * time.Second)); n++ {
					if now = now.Add(3 * time.Second); now.After(at(59 * time.Second)) {
						break
					}
					p.Advance(now, &q)
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
			if n := responses(next); n < 9 { // as many as fit into the minute
				t.Errorf("%s: it is answered %d times", name, n)
			}
		}
	})
}

// TestPeerSucceedsOnce: a second Success or Failure for one Response has no effect.
func TestPeerSucceedsOnce(t *testing.T) {
	var q ppp.Queue
	p := chap.MD5.NewPeer(credentials(password))
	p.Start(start, &q)
	ppptest.Receive(t, p, start, ppptest.Packet(t, golden.md5Challenge), &q)
	ppptest.Receive(t, p, start, ppptest.Packet(t, golden.md5Success), &q)
	failure := ppptest.Packet(t, golden.badFailure)
	failure.ID = ppptest.Packet(t, golden.md5Success).ID
	for _, c := range []ppp.Control{ppptest.Packet(t, golden.md5Success), failure} {
		if step, err := p.Receive(start, c, &q); !errors.Is(err, ppp.ErrStale) || step.Outcome != ppp.Pending {
			t.Errorf("after Success, code %d: %+v, %v", c.Code, step, err)
		}
	}
}
