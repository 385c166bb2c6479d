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

// TestUnsupportedMethod: if a peer requires an authentication method that we do not offer and then
// ends the session in any way, the reason is the method.
func TestUnsupportedMethod(t *testing.T) {
	hangUp := func(p *pair) {
		p.side[0].Down(p.now, session.Reason{Cause: session.CauseHangUp, Text: "PADT"}, &p.side[0].out)
		p.pump()
	}
	silence := func(p *pair) {
		p.lose = func(from int, _ []byte) bool { return from == 1 }
		p.pass(time.Hour)
	}
	for _, c := range []struct {
		what     string
		allowed  []ppp.Method
		lose     bool // the peer's frames are lost
		end      func(*pair)
		want     session.Cause
		reported bool
	}{
		{"hangs up", []ppp.Method{pap.Method, chap.MD5}, false, hangUp, session.CauseNotAuthenticated, true},
		{"hangs up, and we offer nothing", nil, false, hangUp, session.CauseNotAuthenticated, true},
		{"sends nothing more", []ppp.Method{pap.Method}, false, silence, session.CauseNotAuthenticated, true},
		{"hangs up, and has sent nothing", []ppp.Method{pap.Method}, true, hangUp, session.CauseHangUp, false},
		{"never sends anything", []ppp.Method{pap.Method}, true, silence, session.CauseNotNegotiated, false},
		{"we end it", []ppp.Method{pap.Method}, false, func(p *pair) {
			p.side[0].Down(p.now, session.Reason{Cause: session.CauseUserRequest}, &p.side[0].out)
			p.pump()
		}, session.CauseUserRequest, false},
		{"hangs up on a method that we have", []ppp.Method{chap.MSv1}, false, hangUp, session.CauseHangUp, false},
	} {
		cfg := client()
		cfg.LCP.AllowAuth = c.allowed
		p := newPair(t, cfg, server(silentMethod{chap.MSv1}))
		p.lose = func(from int, frame []byte) bool {
			// The peer insists: it does not receive our Nak or Reject of its option.
			return from == 1 && c.lose || from == 0 && (frame[2] == byte(ppp.ConfigureNak) || frame[2] == byte(ppp.ConfigureReject))
		}
		p.up()
		c.end(p)
		e, reported := first[session.UnsupportedAuthMethod](p.side[0])
		if got := p.side[0].cause(); got != c.want || reported != c.reported {
			t.Errorf("%s: ended by %v, reported %v; want %v, %v", c.what, got, reported, c.want, c.reported)
		}
		if reported && (!bytes.Equal(e.Requested, chap.MSv1.Option()) || len(e.Allowed) != len(c.allowed)) {
			t.Errorf("%s: reported %+v", c.what, e)
		}
	}
}

// TestRejectionRevealsNothing: the reason why a login is rejected is reported to our side only. The
// peer receives the same packets for every reason.
func TestRejectionRevealsNothing(t *testing.T) {
	for _, m := range []ppp.Method{eap.MD5, chap.MSv2, chap.MD5, pap.Method} {
		logs := map[string]bool{}
		for _, reason := range []string{"unknown user", "wrong password", ""} {
			p := newPair(t, client(), server(m))
			p.side[1].authenticate = func(ppp.AuthResponse) ppp.AuthResult { return ppp.AuthResult{Reason: reason} }
			p.up()
			p.pass(time.Minute)
			logs[p.log.String()] = true
			if e, ok := first[session.AuthFailed](p.side[1]); !ok || e.Message != reason || e.Method != m || !e.Peer || e.Name != "testuser" {
				t.Errorf("%v: the server reports %+v, want %q", m, e, reason)
			}
			if e, ok := first[session.AuthFailed](p.side[0]); !ok || reason != "" && strings.Contains(e.Message, reason) || e.Method != m || e.Peer || e.Name != "testuser" {
				t.Errorf("%v: the peer reports %+v", m, e)
			}
		}
		if len(logs) != 1 {
			t.Errorf("%v: the peer receives %d different sequences of packets", m, len(logs))
		}
	}
}
