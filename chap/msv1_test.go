package chap

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"upppoe/ppp"
)

// TestRFC2433Vectors: RFC 2433 section B.2. It has none for the LAN Manager response: these are the
// values published for NTLM, which uses the same response.
func TestRFC2433Vectors(t *testing.T) {
	for _, c := range []struct {
		what                string
		m                   msv1
		password, challenge string
		hash, response      string
	}{
		{"NT", msv1{}, "MyPw", "102DB5DF085D3041", "FC156AF7EDCD6C0EDDE3337D427F4EAC", "4E9D3C8F9CFD385D5BF4D3246791956CA4C351AB409A3D61"},
		{"LAN Manager", msv1{lanman: true}, "SecREt01", "0123456789ABCDEF", "FF3750BCC2B22412C2265B23734E0DAC", "C337CD5CBD44FC9782A667AF6D427C6DE67C20C2D3E77C56"},
		{"LAN Manager", msv1{lanman: true}, "secret01", "0123456789ABCDEF", "FF3750BCC2B22412C2265B23734E0DAC", "C337CD5CBD44FC9782A667AF6D427C6DE67C20C2D3E77C56"},
		{"LAN Manager, none", msv1{lanman: true}, "", "0123456789ABCDEF", "AAD3B435B51404EEAAD3B435B51404EE", ""},
	} {
		challenge, err := hex.DecodeString(c.challenge)
		if err != nil {
			t.Fatal(err)
		}
		hash := passwordHash([]byte(c.password))
		if c.m.lanman {
			hash = lanmanHash([]byte(c.password))
		}
		if got := hexOf(hash); got != c.hash {
			t.Errorf("%s: the hash of %q is %s, want %s", c.what, c.password, got, c.hash)
		}
		value, _, err := c.m.respond(7, challenge, []byte(c.password), responder{})
		if err != nil || len(value) != 49 {
			t.Fatalf("%s: %d octets, %v; want 49 (RFC 2433 section 4)", c.what, len(value), err)
		}
		lan, nt, flag := hexOf(value[:24]), hexOf(value[24:48]), value[48]
		none := hexOf(make([]byte, 24))
		if c.response == "" {
			continue
		}
		if c.m.lanman && (lan != c.response || nt != none || flag != 0) || !c.m.lanman && (lan != none || nt != c.response || flag != 1) {
			t.Errorf("%s: LAN Manager %s, NT %s, flag %d; want %s in its field and zeros in the other", c.what, lan, nt, flag, c.response)
		}
	}
}

// TestMSv1Challenge: a Challenge of another length is dropped.
func TestMSv1Challenge(t *testing.T) {
	for _, n := range []int{1, 7, 8, 9, 16} {
		if _, _, err := (msv1{}).respond(1, make([]byte, n), []byte("x"), responder{}); (err == nil) != (n == 8) || err != nil && !errors.Is(err, ErrChallengeLength) {
			t.Errorf("%d octets: %v", n, err)
		}
	}
}

// TestLongPassword: the LAN Manager hash uses the first 14 octets of a password.
func TestLongPassword(t *testing.T) {
	if hexOf(lanmanHash([]byte("aBcdefghijklmnop"))) != hexOf(lanmanHash([]byte("ABCDEFGHIJKLMN"))) || hexOf(lanmanHash([]byte("ABCDEFGHIJKLMN"))) == hexOf(lanmanHash([]byte("ABCDEFGHIJKLM"))) {
		t.Error("the hash does not use exactly the first 14 octets in capitals")
	}
}

// TestMSv1IsRejected: no Response by MS-CHAPv1 is accepted.
func TestMSv1IsRejected(t *testing.T) {
	for _, m := range []ppp.Method{MSv1, LANMAN} {
		var q ppp.Queue
		now := time.Unix(1, 0)
		a := m.NewAuthenticator(ppp.AuthenticatorConfig{Name: "ac"})
		if step := a.Advance(now, &q); step.Outcome != ppp.Pending || !a.Deadline().IsZero() {
			t.Errorf("before Start: %+v, due %v", step, a.Deadline())
		}
		a.Start(now, &q)
		step, err := a.Receive(now, ppp.Control{Code: Response, Data: AppendValue(nil, make([]byte, msv1ValueLen), "x")}, &q)
		if step.Outcome != ppp.Pending || !errors.Is(err, ppp.ErrStale) || a.SetResult(now, ppp.AuthResult{Accepted: true}, &q).Outcome != ppp.Pending {
			t.Errorf("a response: %+v, %v", step, err)
		}
		if !a.Deadline().Equal(now) || a.Protocol() != ppp.CHAP || a.Advance(now.Add(-1), &q).Outcome != ppp.Pending {
			t.Errorf("due %v, want at once", a.Deadline())
		}
		if step := a.Advance(now, &q); step.Outcome != ppp.Failed || step.Message == "" || !a.Deadline().IsZero() || q.Len() > 0 {
			t.Errorf("ends with %+v, due %v, %d packets", step, a.Deadline(), q.Len())
		}
	}
}

// TestPeerMSv1: the peer's exchange, with the messages of Success and Failure.
func TestPeerMSv1(t *testing.T) {
	for _, c := range []struct {
		code    ppp.Code
		message string
		outcome ppp.Outcome
		text    string
	}{
		{Success, "Welcome", ppp.Succeeded, "Welcome"},
		{Failure, "E=691 R=1 C=0123456789ABCDEF V=2", ppp.Failed, "authentication failure"},
		{Failure, "E=648 R=0 V=2", ppp.Failed, "password expired"},
		{Failure, "no", ppp.Failed, "no"},
	} {
		for m, flag := range map[ppp.Method]byte{MSv1: 1, LANMAN: 0} {
			var q ppp.Queue
			m.NewPeer(ppp.Credentials{Name: "u", Secret: func(string) ([]byte, bool) { return []byte("MyPw"), true }}).
				Receive(time.Unix(1, 0), ppp.Control{Code: Challenge, ID: 9, Data: AppendValue(nil, make([]byte, 8), "ac")}, &q)
			if frame := q.At(0); frame[2+4+49] != flag {
				t.Errorf("%v: the flag of its Response is %d, want %d", m, frame[2+4+49], flag)
			}
		}
		var q ppp.Queue
		p := MSv1.NewPeer(ppp.Credentials{Name: "u", Secret: func(string) ([]byte, bool) { return []byte("MyPw"), true }})
		now := time.Unix(1, 0)
		p.Start(now, &q)
		if _, err := p.Receive(now, ppp.Control{Code: Challenge, ID: 9, Data: AppendValue(nil, make([]byte, 8), "ac")}, &q); err != nil || q.Len() != 1 {
			t.Fatalf("a challenge: %v, %d packets", err, q.Len())
		}
		step, err := p.Receive(now, ppp.Control{Code: c.code, ID: 9, Data: []byte(c.message)}, &q)
		if err != nil || step.Outcome != c.outcome || step.Message != c.text {
			t.Errorf("%d %q: %+v, %v; want %v, %q", c.code, c.message, step, err, c.outcome, c.text)
		}
	}
}

// TestOptions: the octets of LCP's option (RFC 1994 section 3, RFC 2433 section 2, RFC 2759 section
// 2) and pppd's names.
func TestOptions(t *testing.T) {
	for m, want := range map[ppp.Method]string{MD5: "C22305 CHAP MD5", MSv1: "C22380 CHAP MS", LANMAN: "C22380 CHAP MS", MSv2: "C22381 CHAP MS-v2"} {
		if got := hexOf(m.Option()) + " " + m.Name() + " " + m.(interface{ String() string }).String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
