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

var start = ppptest.Epoch

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

// Both roles send the packets of a real pppd.
func TestGolden(t *testing.T) {
	var q ppp.Queue
	peer := pap.Method.NewPeer(credentials(password))
	peer.Start(start, &q)
	request := ppptest.Only(t, ppp.PAP, &q)
	if !ppptest.Equal(request, ppptest.Packet(t, goldenRequest)) {
		t.Errorf("the request differs from pppd's")
	}
	authenticator := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
	authenticator.Start(start, &q)
	pending := ppptest.Receive(t, authenticator, start, request, &q)
	if pending.Outcome != ppp.AwaitingResult || pending.Name != "testuser" {
		t.Fatalf("%+v", pending)
	}
	_, ok := pending.Response.Verify([]byte(password))
	result := authenticator.SetResult(start, ppp.AuthResult{Accepted: ok}, &q)
	reply := ppptest.Only(t, ppp.PAP, &q)
	if !ppptest.Equal(reply, ppptest.Packet(t, goldenAck)) || result.Outcome != ppp.Succeeded || result.Name != "testuser" {
		t.Errorf("%+v, by %x", result, reply.AppendTo(nil))
	}
	step := ppptest.Receive(t, peer, start, reply, &q)
	if step.Outcome != ppp.Succeeded || step.Message != "Login ok" || step.Name != "testuser" {
		t.Errorf("%+v", step)
	}
	if !peer.Deadline().IsZero() || !authenticator.Deadline().IsZero() {
		t.Error("something is still due")
	}
}

func TestNak(t *testing.T) {
	for _, c := range []struct {
		result ppp.AuthResult
		want   string
	}{
		{ppp.AuthResult{}, "Login incorrect"},
		{ppp.AuthResult{Message: "no"}, "no"},
	} {
		var q ppp.Queue
		peer, authenticator := pap.Method.NewPeer(credentials("wrong")), pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
		peer.Start(start, &q)
		ppptest.Receive(t, authenticator, start, ppptest.Only(t, ppp.PAP, &q), &q)
		result := authenticator.SetResult(start, c.result, &q)
		nak := ppptest.Only(t, ppp.PAP, &q)
		step := ppptest.Receive(t, peer, start, nak, &q)
		if result.Outcome != ppp.Failed || step.Outcome != ppp.Failed || step.Message != c.want || nak.Code != pap.AuthenticateNak {
			t.Errorf("authenticator %+v, peer %+v", result, step)
		}
	}
}

func TestPeerRepeatsAndGivesUp(t *testing.T) {
	var q ppp.Queue
	p := pap.Method.NewPeer(credentials(password))
	p.Start(start, &q)
	for i := range 9 {
		if step := p.Advance(at(time.Duration(i+1)*3*time.Second-1), &q); step.Outcome != ppp.Pending || q.Len() != i+1 {
			t.Fatalf("just before the repetition %d: %+v, %d packets sent", i+1, step, q.Len())
		}
		p.Advance(at(time.Duration(i+1)*3*time.Second), &q)
	}
	sent := ppptest.Drain(t, ppp.PAP, &q)
	for i, c := range sent {
		// RFC 1334 section 2.2.1: another Identifier each time.
		if c.ID != uint8(i+1) || !bytes.Equal(c.Data, sent[0].Data) {
			t.Errorf("request %d has the identifier %d", i, c.ID)
		}
	}
	step := p.Advance(at(30*time.Second), &q)
	if len(sent) != 10 || step.Outcome != ppp.Failed || step.Message != "no PAP Authenticate-Ack or -Nak from the server" || q.Len() != 0 {
		t.Errorf("%d requests, then %+v", len(sent), step)
	}
	if _, err := p.Receive(at(31*time.Second), ppptest.Packet(t, goldenAck), &q); !errors.Is(err, ppp.ErrStale) {
		t.Errorf("an Ack too late: %v", err)
	}
}

func TestPeerReceive(t *testing.T) {
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
		{"request", ppptest.Packet(t, goldenRequest), 0, ppp.ErrRole},
		{"unknown code", ppp.Control{Code: 4, ID: 1}, 0, ppp.ErrRole},
	} {
		var q ppp.Queue
		p := pap.Method.NewPeer(credentials(password))
		p.Start(start, &q)
		p.Advance(at(3*time.Second), &q)
		q.Reset()
		step, err := p.Receive(at(4*time.Second), c.packet, &q)
		if step.Outcome != c.want || !errors.Is(err, c.err) || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
}

func TestPeerCannotStart(t *testing.T) {
	for _, c := range []struct {
		reason string
		name   string
		secret func(string) ([]byte, bool)
	}{
		{"No PAP secret found for authenticating us", "testuser", func(string) ([]byte, bool) { return nil, false }},
		{"name or password is longer than PAP's 255 octets", strings.Repeat("x", 256), credentials("x").Secret},
		{"name or password is longer than PAP's 255 octets", "testuser", credentials(strings.Repeat("x", 256)).Secret},
	} {
		var q ppp.Queue
		p := pap.Method.NewPeer(ppp.Credentials{Name: c.name, Secret: c.secret})
		p.Start(start, &q)
		if !p.Deadline().Equal(start) {
			t.Errorf("%s: reported at %v, want at once", c.reason, p.Deadline())
		}
		if step := p.Advance(start, &q); step.Outcome != ppp.Failed || step.Message != c.reason || q.Len() != 0 {
			t.Errorf("%+v, %d packets sent; want %q", step, q.Len(), c.reason)
		}
		if step := p.Advance(at(time.Hour), &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: later %+v, %d packets sent", c.reason, step, q.Len())
		}
	}
}

// TestLongestFields: name and password may have 255 octets each.
func TestLongestFields(t *testing.T) {
	var q ppp.Queue
	long := strings.Repeat("x", 255)
	p := pap.Method.NewPeer(ppp.Credentials{Name: long, Secret: credentials(long).Secret})
	p.Start(start, &q)
	r, err := pap.ParseRequest(ppptest.Only(t, ppp.PAP, &q).Data)
	if err != nil || string(r.Name) != long || string(r.Password) != long {
		t.Errorf("%d and %d octets, %v", len(r.Name), len(r.Password), err)
	}
}

// TestCleartextSecret: if set, it is the only secret that PAP sends.
func TestCleartextSecret(t *testing.T) {
	creds := credentials("for others")
	creds.CleartextSecret = func() ([]byte, bool) { return []byte(password), true }
	var q, want ppp.Queue
	pap.Method.NewPeer(creds).Start(start, &q)
	pap.Method.NewPeer(credentials(password)).Start(start, &want)
	if !reflect.DeepEqual(q, want) {
		t.Errorf("sent %v, want %v", q, want)
	}
	q.Reset()
	creds.CleartextSecret = func() ([]byte, bool) { return nil, false }
	p := pap.Method.NewPeer(creds)
	p.Start(start, &q)
	if step := p.Advance(start, &q); step.Outcome != ppp.Failed || q.Len() != 0 {
		t.Errorf("without one: %+v, %d packets sent", step, q.Len())
	}
}

// RFC 1334 section 2.2.1: a repeated request is authenticated once, and gets the same
// reply each time.
func TestAuthenticatorAsksOnce(t *testing.T) {
	for _, accepted := range []bool{true, false} {
		var q ppp.Queue
		a := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
		a.Start(start, &q)
		request := ppptest.Packet(t, goldenRequest)
		ppptest.Receive(t, a, start, request, &q)

		other := ppp.Control{Code: pap.AuthenticateRequest, ID: 7, Data: []byte{0, 0}}
		if _, err := a.Receive(start, other, &q); !errors.Is(err, ppp.ErrAuthPending) {
			t.Errorf("another request before the result: %v", err)
		}
		request.ID = 2
		if step := ppptest.Receive(t, a, start, request, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("repeated before the result: %+v, %d packets sent", step, q.Len())
		}
		a.SetResult(start, ppp.AuthResult{Accepted: accepted}, &q)
		reply := ppptest.Only(t, ppp.PAP, &q)
		if reply.ID != 2 {
			t.Errorf("answered the copy %d, not the newest", reply.ID)
		}
		for _, again := range []ppp.Control{request, other, {Code: pap.AuthenticateRequest, ID: 9}} {
			step := ppptest.Receive(t, a, start, again, &q)
			want := ppp.Control{Code: reply.Code, ID: again.ID, Data: reply.Data}
			if got := ppptest.Only(t, ppp.PAP, &q); !ppptest.Equal(got, want) || step.Outcome != ppp.Pending {
				t.Errorf("accepted %v, then repeated: code %d, id %d, %+v", accepted, got.Code, got.ID, step)
			}
		}
		if step := a.SetResult(start, ppp.AuthResult{Accepted: !accepted}, &q); step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("a result that was not requested: %+v, %d packets sent", step, q.Len())
		}
	}
}

func TestAuthenticatorDrops(t *testing.T) {
	var q ppp.Queue
	a := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{})
	a.Start(start, &q)
	for _, c := range []struct {
		what   string
		packet ppp.Control
		want   error
	}{
		{"Ack", ppptest.Packet(t, goldenAck), ppp.ErrRole},
		{"Nak", ppp.Control{Code: pap.AuthenticateNak}, ppp.ErrRole},
		{"unknown code", ppp.Control{Code: 77}, ppp.ErrRole},
		{"no data", ppp.Control{Code: pap.AuthenticateRequest}, pap.ErrRequest},
		{"password beyond the end", ppp.Control{Code: pap.AuthenticateRequest, Data: []byte{0, 1}}, pap.ErrRequest},
	} {
		step, err := a.Receive(start, c.packet, &q)
		if !errors.Is(err, c.want) || step.Outcome != ppp.Pending || q.Len() != 0 {
			t.Errorf("%s: %+v, error %v, %d packets sent", c.what, step, err, q.Len())
		}
	}
	request := ppptest.Packet(t, goldenRequest)
	step := ppptest.Receive(t, a, start, request, &q)
	clear(request.Data)
	if _, ok := step.Response.Verify([]byte(password)); !ok || step.Response.User() != "testuser" {
		t.Error("the response changed with the receive buffer")
	}
}

func TestAuthenticatorGivesUp(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 30 * time.Second, 5 * time.Second: 5 * time.Second} {
		var q ppp.Queue
		a := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{Timers: ppp.AuthTimers{Timeout: timeout}})
		a.Start(start, &q)
		if got := a.Deadline().Sub(start); got != want {
			t.Errorf("waits %v, want %v", got, want)
		}
		if step := a.Advance(at(want-1), &q); step.Outcome != ppp.Pending {
			t.Errorf("too soon: %+v", step)
		}
		if step := a.Advance(at(want), &q); step.Outcome != ppp.Failed || step.Message != "no PAP Authenticate-Request from the peer" {
			t.Errorf("%+v", step)
		}
		if _, err := a.Receive(at(want), ppptest.Packet(t, goldenRequest), &q); !errors.Is(err, ppp.ErrStale) || q.Len() != 0 {
			t.Errorf("a request too late: %v", err)
		}
	}
	var q ppp.Queue
	a := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{Timers: ppp.AuthTimers{Timeout: -1}})
	if a.Start(start, &q); !a.Deadline().IsZero() {
		t.Error("a negative timeout must not set a deadline")
	}
}

// FuzzPap sends arbitrary packets to both roles (see ppptest.FuzzExchange): a peer succeeds by an Ack
// only.
func FuzzPap(f *testing.F) {
	for _, s := range []string{goldenRequest, goldenAck} {
		f.Add(ppptest.AppendScript(nil, 0, ppptest.Packet(f, s)))
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		authenticator, peer := pap.Method.NewAuthenticator(ppp.AuthenticatorConfig{}), pap.Method.NewPeer(credentials("secret"))
		var q ppp.Queue
		authenticator.Start(start, &q)
		ppptest.FuzzExchange(t, script, peer, authenticator, func(x ppp.AuthExchange, c ppp.Control, step ppp.Step, _ int) {
			if step.Outcome == ppp.Succeeded && (x == authenticator || c.Code != pap.AuthenticateAck) {
				t.Fatalf("%v: succeeded", c)
			}
		})
	})
}
