package pppd

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLines(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       []string
	}{
		{"words", "a bc\td\n", []string{"1:a", "1:bc", "1:d"}},
		{"lines", "a\n\n b\r\n", []string{"1:a", "3:b"}},
		{"comments", "# all\na # rest\nb#c", []string{"2:a", "3:b#c"}},
		{"quotes", `"a b" 'c "d' e" "f`, []string{"1:a b", `1:c "d`, "1:e f"}},
		{"an empty word", `"" ''`, []string{"1:", "1:"}},
		{"escapes", `a\ b \"c\" \# \\ \141`, []string{"1:a b", `1:"c"`, "1:#", `1:\`, "1:a"}},
		{"a line that goes on", "a\\\nb c\nd", []string{"1:ab", "2:c", "3:d"}},
		{"a quote over lines", "\"a\nb\" c", []string{"1:a\nb", "2:c"}},
	} {
		lines, err := Lines("", c.text)
		var got []string
		for _, w := range slices.Concat(lines...) {
			got = append(got, fmt.Sprintf("%d:%s", w.Line, w.Text))
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", c.what, got, err, c.want)
		}
	}
	if _, err := Lines("f", "a\n'b c\n"); err == nil || !strings.HasPrefix(err.Error(), "f:2: ") {
		t.Errorf("a quote without an end: %v, want an error at f:2", err)
	}
}

func FuzzLines(f *testing.F) {
	f.Add("a \"b c\" # d\n\\\ne 'f'")
	f.Fuzz(func(t *testing.T, text string) {
		lines, err := Lines("f", text)
		if err != nil {
			return
		}
		for _, line := range lines {
			for _, w := range line {
				if w.Line < 1 || w.Line > strings.Count(text, "\n")+1 || len(w.Text) > len(text) {
					t.Errorf("%q has the word %q in line %d", text, w.Text, w.Line)
				}
			}
		}
	})
}

// etc writes files like those in /etc/ppp.
func etc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestStory reads the files of the namespace story.
func TestStory(t *testing.T) {
	dir := etc(t, map[string]string{
		"peers/example-provider": "user \"testuser\"\npassword \"testpassword\"\nplugin rp-pppoe.so\nlo\nnoauth\ndefaultroute\n",
		"pppoe-server-options":   "require-chap\nlcp-echo-interval 60\nlcp-echo-failure 5\ndebug\nlogfile /var/log/pppd.log\n",
	})
	s := New()
	r := Reader{Role: Client, Settings: s, Dir: dir}
	if err := r.CommandLine([]string{"call", "example-provider"}); err != nil {
		t.Fatal(err)
	}
	if s.User != "testuser" || string(s.Password) != "testpassword" || s.Interface != "lo" || !s.NoAuth || !s.DefaultRoute || !s.Plugin {
		t.Errorf("the peers file means %+v", s)
	}
	s = New()
	r = Reader{Role: Server, Settings: s, Dir: dir}
	if err := r.File(filepath.Join(dir, "pppoe-server-options")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Require, []string{"chap"}) || s.EchoInterval != time.Minute || s.EchoFailures != 5 || !s.Debug || s.LogFile != "/var/log/pppd.log" {
		t.Errorf("the options file means %+v", s)
	}
}

func TestSpellings(t *testing.T) {
	for _, args := range [][]string{
		{"user", "a", "mtu", "1400", "lo", "192.0.2.1:192.0.2.2", "debug"},
		{"--user", "a", "--mtu=1400", "nic-lo", "192.0.2.1:192.0.2.2", "--debug"},
	} {
		s := New()
		r := Reader{Role: Client, Settings: s}
		if err := r.CommandLine(args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		if s.User != "a" || s.MTU != 1400 || s.Interface != "lo" || s.Local != netip.MustParseAddr("192.0.2.1") || !s.Debug {
			t.Errorf("%q means %+v", args, s)
		}
	}
}

// TestBadOptions: each error says where, and what to do.
func TestBadOptions(t *testing.T) {
	dir := etc(t, map[string]string{
		"peers/x":    "user a\n\ndefaultroot\n",
		"peers/loop": "file FILE\n",
		"peers/open": "user 'a\n",
	})
	loop := filepath.Join(dir, "peers/loop")
	os.WriteFile(loop, []byte("file "+loop+"\n"), 0o600)
	for _, c := range []struct{ args, want string }{
		{"call x", dir + `/peers/x:3: unknown option "defaultroot" (did you mean "defaultroute"?)`},
		{"call open", dir + `/peers/open:1: the quote ' is never closed`},
		{"call loop", "files name each other"},
		{"call none", "there is no file " + dir + "/peers/none"},
		{"call ../x", "may not be empty, begin with / or contain .."},
		{"call /etc/passwd", "may not be empty, begin with /"},
		{"mtu 9", `command line: option "mtu": "9" is no good: give a number between 128 and 16384`},
		{"mtu x", "give a number between"},
		{"mtu", `option "mtu" needs N`},
		{"ms-dns ::1", "give an IPv4 address"},
		{"host-uniq xyz", "give hexadecimal digits"},
		{"plugin radius.so", "only pppoe.so and rp-pppoe.so"},
		{"require-mschap", "is refused: MS-CHAP version 1 is broken"},
		{"1.2.3:4", "no pair of IPv4 addresses"},
		{"nosuchif0", "nor is there an interface of that name"},
		{"ipv6 x,y", "give interface identifiers like ::1,::2"},
	} {
		r := Reader{Role: Client, Settings: New(), Dir: dir}
		err := r.CommandLine(strings.Fields(c.args))
		bad := (*Error)(nil)
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error with %q", c.args, err, c.want)
		}
	}
	r := Reader{Role: Server, Settings: New()}
	if err := r.CommandLine([]string{"defaultroute"}); err == nil || !strings.Contains(err.Error(), "is not for a server") {
		t.Errorf("a client's option for a server: %v", err)
	}
}

// TestTable: every option does something, and says what it is.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range table {
		if o.group != "ignored" && seen[o.name] {
			t.Errorf("%s stands twice in the table", o.name)
		}
		seen[o.name] = true
		special := slices.Contains([]string{"nic-IF", "LOCAL:REMOTE", "call", "file"}, o.name)
		if o.status == honoured && o.setting == nil && !special {
			t.Errorf("%s does nothing", o.name)
		}
		if o.help == "" && o.group != "ignored" {
			t.Errorf("%s says nothing of itself", o.name)
		}
		if o.group != "ignored" && !slices.ContainsFunc(groups, func(g struct{ name, title string }) bool { return g.name == o.group }) {
			t.Errorf("%s is of group %q, which help does not show", o.name, o.group)
		}
	}
	var help strings.Builder
	WriteHelp(&help, Client)
	for _, want := range []string{"defaultroute", "lcp-echo-interval SECONDS", "password-file FILE"} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("the help has no %q", want)
		}
	}
}

func TestIgnored(t *testing.T) {
	s := New()
	r := Reader{Role: Client, Settings: s}
	if err := r.CommandLine(strings.Fields("noaccomp nodeflate lock crtscts asyncmap 0 novj replacedefaultroute")); err != nil {
		t.Fatal(err)
	}
	if len(s.Notices) != 1 || !strings.Contains(s.Notices[0], "replacedefaultroute") {
		t.Errorf("notices are %q, want one, of replacedefaultroute", s.Notices)
	}
}

func TestPasswordIsHidden(t *testing.T) {
	dir := etc(t, map[string]string{"peers/p": "password geheim"})
	os.Chmod(filepath.Join(dir, "peers/p"), 0o644)
	s := New()
	r := Reader{Role: Client, Settings: s, Dir: dir}
	if err := r.CommandLine([]string{"call", "p"}); err != nil || string(s.Password) != "geheim" {
		t.Fatalf("%v, %d", err, len(s.Password))
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, *s); strings.Contains(text, "geheim") {
			t.Errorf("%s shows the password", format)
		}
	}
	if len(s.Notices) != 1 || !strings.Contains(s.Notices[0], "chmod 600") {
		t.Errorf("a password that all can read: notices %q", s.Notices)
	}
}
