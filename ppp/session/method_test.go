package session_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ppp"
	"upppoe/ppp/eap"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
)

// TestMethodInsistedOn: a peer that wants us to prove who we are by a method that we do not offer,
// and then ends it in whatever way, has not merely hung up.
func TestMethodInsistedOn(t *testing.T) {
	hangUp := func(p *pair) {
		p.side[0].Down(p.now, session.Reason{Cause: session.HangUp, Text: "PADT"}, &p.side[0].out)
		p.pump()
	}
	silence := func(p *pair) {
		p.lose = func(from int, _ []byte) bool { return from == 1 }
		p.pass(time.Hour)
	}
	for _, c := range []struct {
		what   string
		answer []ppp.Method
		lose   bool // nothing of the peer's arrives
		end    func(*pair)
		want   session.Cause
		told   bool
	}{
		{"hangs up", []ppp.Method{pap.Method, chap.MD5}, false, hangUp, session.NotAuthenticated, true},
		{"hangs up, and we offer nothing", nil, false, hangUp, session.NotAuthenticated, true},
		{"says no more", []ppp.Method{pap.Method}, false, silence, session.NotAuthenticated, true},
		{"hangs up, and has said nothing", []ppp.Method{pap.Method}, true, hangUp, session.HangUp, false},
		{"never says anything", []ppp.Method{pap.Method}, true, silence, session.NotNegotiated, false},
		{"we end it", []ppp.Method{pap.Method}, false, func(p *pair) {
			p.side[0].Down(p.now, session.Reason{Cause: session.UserRequest}, &p.side[0].out)
			p.pump()
		}, session.UserRequest, false},
		{"hangs up on a method that we have", []ppp.Method{chap.MSv1}, false, hangUp, session.NotAuthenticated, false},
	} {
		cfg := client()
		cfg.LCP.AllowAuth = c.answer
		p := newPair(t, cfg, server(mute{chap.MSv1}))
		p.lose = func(from int, frame []byte) bool {
			// The peer insists: it does not hear that its option is rejected or to be another.
			return from == 1 && c.lose || from == 0 && (frame[2] == byte(ppp.ConfigureNak) || frame[2] == byte(ppp.ConfigureReject))
		}
		p.up()
		c.end(p)
		e, told := first[session.UnsupportedAuthMethod](p.side[0])
		if got := p.side[0].cause(); got != c.want || told != c.told {
			t.Errorf("%s: ended by %v, told %v; want %v, %v", c.what, got, told, c.want, c.told)
		}
		if told && (!bytes.Equal(e.Requested, chap.MSv1.Option()) || len(e.Allowed) != len(c.answer)) {
			t.Errorf("%s: told %+v", c.what, e)
		}
	}
}

// TestRefusalTellsNothing: why a login is refused goes to the log, and not to the peer, which hears
// the same whatever it was.
func TestRefusalTellsNothing(t *testing.T) {
	for _, m := range []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method} {
		said := map[string]bool{}
		for _, why := range []string{"unknown user", "wrong password", ""} {
			p := newPair(t, client(), server(m))
			p.side[1].decide = func(ppp.AuthResponse) ppp.AuthResult { return ppp.AuthResult{Reason: why} }
			p.up()
			p.pass(time.Minute)
			said[p.log.String()] = true
			if e, ok := first[session.AuthFailed](p.side[1]); !ok || e.Message != why || e.Method != m || !e.Peer || e.Name != "testuser" {
				t.Errorf("%v: the server is told %+v, want %q", m, e, why)
			}
			if e, ok := first[session.AuthFailed](p.side[0]); !ok || why != "" && strings.Contains(e.Message, why) || e.Method != m || e.Peer || e.Name != "testuser" {
				t.Errorf("%v: the peer is told %+v", m, e)
			}
		}
		if len(said) != 1 {
			t.Errorf("%v: the peer hears %d different things", m, len(said))
		}
	}
}
