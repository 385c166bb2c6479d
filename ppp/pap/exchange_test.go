package pap_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/ppp/ppptest"
)

var start = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return start.Add(d) }

func credentials(secret string) ppp.Credentials {
	return ppp.Credentials{
		Name:   "testuser",
		Secret: func(string) ([]byte, bool) { return []byte(secret), true },
	}
}

func TestMethod(t *testing.T) {
	if got := fmt.Sprintf("%s %x", pap.Method.Name(), pap.Method.Option()); got != "PAP c023" {
		t.Error(got)
	}
}

// Both roles say what the real pppd said.
func TestGolden(t *testing.T) {
	var q ppp.Queue
	answer := pap.Method.NewPeer(credentials(password))
	answer.Start(start, &q)
	request := ppptest.Only(t, ppp.PAP, &q)
	if !ppptest.Equal(request, packet(t, goldenRequest)) {
		t.Errorf("asked by another packet than pppd")
	}
	demand := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
	demand.Start(start, &q)
	asked := ppptest.Receive(t, demand, start, request, &q)
	if asked.Outcome != ppp.AwaitingResult || asked.Name != "testuser" {
		t.Fatalf("%+v", asked)
	}
	_, ok := asked.Response.Verify([]byte(password))
	judged := demand.SetResult(start, ppp.AuthResult{Accepted: ok}, &q)
	verdict := ppptest.Only(t, ppp.PAP, &q)
	if !ppptest.Equal(verdict, packet(t, goldenAck)) || judged.Outcome != ppp.Succeeded || judged.Name != "testuser" {
		t.Errorf("%+v, by %x", judged, verdict.AppendTo(nil))
	}
	step := ppptest.Receive(t, answer, start, verdict, &q)
	if step.Outcome != ppp.Succeeded || step.Message != "Login ok" || step.Name != "testuser" {
		t.Errorf("%+v", step)
	}
	if !answer.Deadline().IsZero() || !demand.Deadline().IsZero() {
		t.Error("something is still due")
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		decision ppp.AuthResult
		want     string
	}{
		{ppp.AuthResult{}, "Login incorrect"},
		{ppp.AuthResult{Message: "no"}, "no"},
	} {
		var q ppp.Queue
		answer, demand := pap.Method.NewPeer(credentials("wrong")), pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
		answer.Start(start, &q)
		ppptest.Receive(t, demand, start, ppptest.Only(t, ppp.PAP, &q), &q)
		judged := demand.SetResult(start, c.decision, &q)
		nak := ppptest.Only(t, ppp.PAP, &q)
		step := ppptest.Receive(t, answer, start, nak, &q)
		if judged.Outcome != ppp.Failed || step.Outcome != ppp.Failed || step.Message != c.want || nak.Code != pap.AuthenticateNak {
			t.Errorf("authenticator %+v, peer %+v", judged, step)
		}
	}
}

func TestAnswerRepeatsAndGivesUp(t *testing.T) {
	var q ppp.Queue
	a := pap.Method.NewPeer(credentials(password))
	a.Start(start, &q)
	for i := range 9 {
		if step := a.Advance(at(time.Duration(i+1)*3*time.Second-1), &q); step.Outcome != ppp.Pending || q.Len() != i+1 {
			t.Fatalf("just before the repetition %d: %+v, %d packets sent", i+1, step, q.Len())
		}
		a.Advance(at(time.Duration(i+1)*3*time.Second), &q)
	}
	sent := ppptest.Drain(t, ppp.PAP, &q)
	for i, c := range sent {
		// RFC 1334 section 2.2.1: another Identifier each time.
		if c.ID != uint8(i+1) || !bytes.Equal(c.Data, sent[0].Data) {
			t.Errorf("request %d has the identifier %d", i, c.ID)
		}
	}
	step := a.Advance(at(30*time.Second), &q)
	if len(sent) != 10 || step.Outcome != ppp.Failed || step.Message != "server does not answer our request" || q.Len() != 0 {
		t.Errorf("%d requests, then %+v", len(sent), step)
	}
	if _, err := a.Receive(at(31*time.Second), packet(t, goldenAck), &q); !errors.Is(err, ppp.ErrStale) {
		t.Errorf("an Ack too late: %v", err)
	}
}

func TestAnswerReceive(t *testing.T) {
	for _, c := range []struct {
		what   string
		packet ppp.Control
		want   ppp.Outcome
		err    error
	}{
		{"Ack of the first request", ppp.Control{Code: pap.AuthenticateAck, ID: 1, Data: []byte{0}}, ppp.Succeeded, nil},
		{"Ack of the repetition", ppp.Control{Code: pap.AuthenticateAck, ID: 2, Data: []byte{0}}, ppp.Succeeded, nil},
		{"Ack without Msg-Length", ppp.Control{Code: pap.AuthenticateAck, ID: 2}, ppp.Succeeded, nil},
		{"Nak without Msg-Length", ppp.Control{Code: pap.AuthenticateNak, ID: 2}, ppp.Failed, nil},
		{"Ack of what was never sent", ppp.Control{Code: pap.AuthenticateAck, ID: 3, Data: []byte{0}}, 0, ppp.ErrStale},
		{"Ack of identifier 0", ppp.Control{Code: pap.AuthenticateAck, Data: []byte{0}}, 0, ppp.ErrStale},
		{"message beyond the end", ppp.Control{Code: pap.AuthenticateAck, ID: 1, Data: []byte{9, 'x'}}, 0, pap.ErrMessage},
		{"message beyond the end, of one octet", ppp.Control{Code: pap.AuthenticateAck, ID: 1, Data: []byte{1}}, 0, pap.ErrMessage},
		{"request", packet(t, goldenRequest), 0, ppp.ErrRole},
		{"unknown code", ppp.Control{Code: 4, ID: 1}, 0, ppp.ErrRole},
	} {
		var q ppp.Queue
		a := pap.Method.NewPeer(credentials(password))
		a.Start(start, &q)
		a.Advance(at(3*time.Second), &q)
		q.Reset()
		step, err := a.Receive(at(4*time.Second), c.packet, &q)
		if step.Outcome != c.want || !errors.Is(err, c.err) || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

func TestAnswerThatCannotBegin(t *testing.T) {
	for _, c := range []struct {
		why  string
		name string
		find func(string) ([]byte, bool)
	}{
		{"No PAP secret found for authenticating us", "testuser", func(string) ([]byte, bool) { return nil, false }},
		{"name or password is longer than PAP's 255 octets", strings.Repeat("x", 256), credentials("x").Secret},
		{"name or password is longer than PAP's 255 octets", "testuser", credentials(strings.Repeat("x", 256)).Secret},
	} {
		var q ppp.Queue
		a := pap.Method.NewPeer(ppp.Credentials{Name: c.name, Secret: c.find})
		a.Start(start, &q)
		if !a.Deadline().Equal(start) {
			t.Errorf("%s: told at %v, want at once", c.why, a.Deadline())
		}
		if step := a.Advance(start, &q); step.Outcome != ppp.Failed || step.Message != c.why || q.Len() != 0 {
			t.Errorf("%+v, %d packets sent; want %q", step, q.Len(), c.why)
		}
		if step := a.Advance(at(time.Hour), &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: later %+v, %d packets sent", c.why, step, q.Len())
		}
	}
}

// TestLongestFields: name and password of 255 octets each go out.
func TestLongestFields(t *testing.T) {
	var q ppp.Queue
	long := strings.Repeat("x", 255)
	a := pap.Method.NewPeer(ppp.Credentials{Name: long, Secret: credentials(long).Secret})
	a.Start(start, &q)
	r, err := pap.ParseRequest(ppptest.Only(t, ppp.PAP, &q).Data)
	if err != nil || string(r.Name) != long || string(r.Password) != long {
		t.Errorf("%d and %d octets, %v", len(r.Name), len(r.Password), err)
	}
}

// TestClear: where a secret is set apart for going out as it is, no other does.
func TestClear(t *testing.T) {
	who := credentials("for others")
	who.CleartextSecret = func() ([]byte, bool) { return []byte(password), true }
	var q, want ppp.Queue
	pap.Method.NewPeer(who).Start(start, &q)
	pap.Method.NewPeer(credentials(password)).Start(start, &want)
	if !reflect.DeepEqual(q, want) {
		t.Errorf("sent %v, want %v", q, want)
	}
	q.Reset()
	who.CleartextSecret = func() ([]byte, bool) { return nil, false }
	a := pap.Method.NewPeer(who)
	a.Start(start, &q)
	if step := a.Advance(start, &q); step.Outcome != ppp.Failed || q.Len() != 0 {
		t.Errorf("without one: %+v, %d packets sent", step, q.Len())
	}
}

// RFC 1334 section 2.2.1: a request that comes again, for whatever reason, is
// judged once and gets one answer.
func TestDemandJudgesOnce(t *testing.T) {
	for _, grant := range []bool{true, false} {
		var q ppp.Queue
		d := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
		d.Start(start, &q)
		request := packet(t, goldenRequest)
		ppptest.Receive(t, d, start, request, &q)

		other := ppp.Control{Code: pap.AuthenticateRequest, ID: 7, Data: []byte{0, 0}}
		if _, err := d.Receive(start, other, &q); !errors.Is(err, ppp.ErrAuthPending) {
			t.Errorf("another request while one is judged: %v", err)
		}
		request.ID = 2
		if step := ppptest.Receive(t, d, start, request, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("repeated while judged: %+v, %d packets sent", step, q.Len())
		}
		d.SetResult(start, ppp.AuthResult{Accepted: grant}, &q)
		verdict := ppptest.Only(t, ppp.PAP, &q)
		if verdict.ID != 2 {
			t.Errorf("answered the copy %d, not the newest", verdict.ID)
		}
		for _, again := range []ppp.Control{request, other, {Code: pap.AuthenticateRequest, ID: 9}} {
			step := ppptest.Receive(t, d, start, again, &q)
			want := ppp.Control{Code: verdict.Code, ID: again.ID, Data: verdict.Data}
			if got := ppptest.Only(t, ppp.PAP, &q); !ppptest.Equal(got, want) || step.Outcome != ppp.Pending {
				t.Errorf("granted %v, then repeated: code %d, id %d, %+v", grant, got.Code, got.ID, step)
			}
		}
		if step := d.SetResult(start, ppp.AuthResult{Accepted: !grant}, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("a decision nobody asked for: %+v, %d packets sent", step, q.Len())
		}
	}
}

func TestDemandDrops(t *testing.T) {
	var q ppp.Queue
	d := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
	d.Start(start, &q)
	for _, c := range []struct {
		what   string
		packet ppp.Control
		want   error
	}{
		{"Ack", packet(t, goldenAck), ppp.ErrRole},
		{"Nak", ppp.Control{Code: pap.AuthenticateNak}, ppp.ErrRole},
		{"unknown code", ppp.Control{Code: 77}, ppp.ErrRole},
		{"no data", ppp.Control{Code: pap.AuthenticateRequest}, pap.ErrRequest},
		{"password beyond the end", ppp.Control{Code: pap.AuthenticateRequest, Data: []byte{0, 1}}, pap.ErrRequest},
	} {
		step, err := d.Receive(start, c.packet, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
	request := packet(t, goldenRequest)
	step := ppptest.Receive(t, d, start, request, &q)
	clear(request.Data)
	if _, ok := step.Response.Verify([]byte(password)); !ok || step.Response.User() != "testuser" {
		t.Error("the proof changed with the buffer that it came in")
	}
}

func TestDemandGivesUp(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 5 * time.Second} {
		var q ppp.Queue
		d := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{Timers: ppp.AuthTimers{Timeout: timeout}})
		d.Start(start, &q)
		if got := d.Deadline().Sub(start); got != want {
			t.Errorf("waits %v, want %v", got, want)
		}
		if step := d.Advance(at(want-1), &q); step.Outcome != ppp.Pending {
			t.Errorf("too soon: %+v", step)
		}
		if step := d.Advance(at(want), &q); step.Outcome != ppp.Failed || step.Message != "peer does not send name and password" {
			t.Errorf("%+v", step)
		}
		if _, err := d.Receive(at(want), packet(t, goldenRequest), &q); !errors.Is(err, ppp.ErrStale) || q.Len() != 0 {
			t.Errorf("a request too late: %v", err)
		}
	}
	var q ppp.Queue
	d := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{Timers: ppp.AuthTimers{Timeout: -1}})
	if d.Start(start, &q); !d.Deadline().IsZero() {
		t.Error("a negative timeout bounds nothing")
	}
}

// FuzzPap plays what it likes against both roles: octets are packets, each
// preceded by its length and the time before it.
func FuzzPap(f *testing.F) {
	for _, c := range []ppp.Control{packet(f, goldenRequest), packet(f, goldenAck)} {
		b := c.AppendTo(nil)
		f.Add(append([]byte{byte(len(b)), 0}, b...))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 4096 {
			return
		}
		demand, answer := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{}), pap.Method.NewPeer(credentials("secret"))
		var q ppp.Queue
		now := start
		demand.Start(now, &q)
		answer.Start(now, &q)
		for len(script) > 2 {
			n := min(int(script[0]), len(script)-2)
			now = now.Add(time.Duration(script[1]) * 100 * time.Millisecond)
			c, err := ppp.ParseControl(script[2 : 2+n])
			script = script[2+n:]
			if err == nil {
				play(t, now, c, answer, demand)
			}
		}
	})
}

func play(t *testing.T, now time.Time, c ppp.Control, answer ppp.AuthExchange, demand ppp.Authenticator) {
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
		if step.Outcome == ppp.Succeeded && (x == demand || c.Code != pap.AuthenticateAck) {
			t.Fatalf("%v: succeeded", c)
		}
		if step.Outcome == ppp.AwaitingResult && demand.SetResult(now, ppp.AuthResult{}, &q).Outcome != ppp.Failed {
			t.Fatalf("%v: refused in vain", c)
		}
	}
}
