package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// TestLoginAdvice: what to add, where the options lack it; nothing where they do not, or the
// session had been online.
func TestLoginAdvice(t *testing.T) {
	ended := func(c session.Cause, text string) pppoe.Event {
		return pppoe.Ended{Reason: session.Reason{Cause: c, Text: text}}
	}
	refused := ended(session.CausePeerNotAuthenticated, session.RefusedToAuthenticate)
	for _, c := range []struct {
		words string
		event pppoe.Event
		want  string // empty: nothing
	}{
		{"eth0 user alice auth", refused, "add noauth after auth (the command line)"},
		{"eth0 user alice auth require-chap debug", refused, "add noauth after require-chap (the command line)"},
		{"eth0 user alice +pap", refused, "add noauth after +pap (the command line)"},
		{"eth0 user alice auth", ended(session.CausePeerNotAuthenticated, "wrong"), ""},
		{"eth0", ended(session.CauseHangUp, ""), "add user NAME and password-file FILE"},
		{"eth0", ended(session.CausePeerTerminated, ""), "add user NAME and password-file FILE"},
		{"eth0", ended(session.CauseNotNegotiated, ""), "add user NAME and password-file FILE"},
		{"eth0", ended(session.CauseUserRequest, ""), ""},
		{"eth0", pppoe.Ended{Reason: session.Reason{Cause: session.CauseHangUp}, Uptime: time.Second}, ""},
		{"eth0 user alice", ended(session.CauseHangUp, ""), ""},
		{"eth0 name host", ended(session.CauseHangUp, ""), ""},
		{"eth0 user alice", session.AuthFailed{Message: `No CHAP secret found for authenticating us to "ac"`}, `No password for "alice": add password-file FILE`},
		{"eth0 name host", session.AuthFailed{Message: "No PAP secret found for authenticating us"}, `No password for "host"`},
		{"eth0 user alice", session.AuthFailed{Message: "Access denied"}, ""},
		{"eth0 user alice", session.AuthFailed{Peer: true, Message: "No CHAP secret found for authenticating us"}, ""},
		{"eth0 user alice", pppoe.Connected{}, ""},
	} {
		got := loginAdvice(parse(t, strings.Fields(c.words)...), c.event)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%q, %#v: %q, want %q", c.words, c.event, got, c.want)
		}
	}
}

// TestAuthOption: the option that requires authentication, with file and line, as in Debian's options.
func TestAuthOption(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "options")
	if err := os.WriteFile(path, []byte("asyncmap 0\nauth\ncrtscts\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := pppd.New()
	r := pppd.Reader{Role: pppd.Client, Settings: s, Dir: dir}
	if err := r.Defaults(""); err != nil {
		t.Fatal(err)
	}
	if got, want := authOption(s), "auth ("+path+":2)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := authOption(pppd.New()); got != "the other options" {
		t.Errorf("without any: %q", got)
	}
}
