package scripts

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// TestUntrustedNames: a peer's name becomes one word, in which a shell that evaluates it finds
// nothing to run.
func TestUntrustedNames(t *testing.T) {
	p := newTestDir(t)
	p.add(t, IPUp, `eval "ac=$ACNAME"; eval "peer=$PEERNAME"; echo "$ac" >%[1]s/ac`)
	p.addRecording(t, AuthUp)
	hostile := "x$(touch " + p.dir + "/a)`touch " + p.dir + "/b`;touch " + p.dir + "/c\n|touch " + p.dir + "/d&touch " + p.dir + "/e'\"\x00\x1b[2J\xff"
	l := info
	l.ACName, l.User = strings.ReplaceAll(hostile, " ", "\t"), hostile[:20]
	s := p.scripts(nil)
	s.Notify(l, session.Authenticated{Peer: true, Name: hostile})
	s.Notify(l, withIPv4("192.0.2.10"))
	s.Close()
	for _, made := range []string{"a", "b", "c", "d", "e"} {
		if _, err := os.Stat(filepath.Join(p.dir, made)); err == nil {
			t.Errorf("the peer had %s created", made)
		}
	}
	if lines := strings.Count(p.read(t, "ac"), "\n"); lines != 1 {
		t.Errorf("the name has %d lines", lines)
	}
	for _, env := range p.env(t, AuthUp) {
		if bytes.ContainsFunc([]byte(env), func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\\`$\"'&|;<>(){}*?", r) }) || !strings.Contains(env, "=") {
			t.Errorf("a script has %q", env)
		}
	}
	if args := strings.Count(p.read(t, "auth-up.args"), "><"); args != 5 {
		t.Errorf("auth-up has %d arguments", args+1)
	}
}

// TestSanitize: what a script has of a peer's words. \033 and \c are what dash's echo acts on.
func TestSanitize(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "alice@isp.example": "alice@isp.example", "M\u00fcller 2": "M\u00fcller 2", "a%b=c,d/e:f+g-h": "a%b=c,d/e:f+g-h",
		`DOMAIN\user`: "DOMAIN_user", `x\033[2J\c`: "x_033_2J_c", "\x1b[2J": "__2J", "a\nb\x7f\u009b\u202e\u2028\xff": "a_b_____",
		"-rf -x": "_rf -x", "!#~^[]*?{}()<>|&;'\"$`": "____________________" + "_",
		strings.Repeat("\u00fc", wire.MaxShownText):              strings.Repeat("\u00fc", wire.MaxShownText),
		strings.Repeat("\u00fc", wire.MaxShownText-1) + "\nmore": strings.Repeat("\u00fc", wire.MaxShownText-1) + "_",
	} {
		if got := sanitize(text); got != want {
			t.Errorf("for %q a script gets %q, want %q", text, got, want)
		}
	}
}
