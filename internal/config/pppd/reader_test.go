package pppd

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
)

// reader returns a Reader of a host with two interfaces, and files in dir.
func reader(role Role, dir string) *Reader {
	return &Reader{Role: role, Settings: New(), Dir: dir, IsInterface: func(name string) bool {
		return slices.Contains([]string{"eth0", "gw-veth0"}, name)
	}}
}

// etc writes files like those in /etc/ppp. FILE in them is replaced by their own path.
func etc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "FILE", path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestStory reads the files of the namespace story.
func TestStory(t *testing.T) {
	r := reader(Client, "testdata/etc")
	s := r.Settings
	if err := r.CommandLine([]string{"call", "example-provider"}); err != nil {
		t.Fatal(err)
	}
	if s.User != "testuser" || string(s.Password) != "testpassword" || s.Interface != "gw-veth0" || !s.NoAuth || !s.DefaultRoute || !s.Plugin || s.Call != "example-provider" {
		t.Errorf("the peers file: %+v", s)
	}
	r = reader(Server, "testdata/etc")
	s = r.Settings
	if err := r.File("testdata/etc/pppoe-server-options"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Require, []string{"chap"}) || s.EchoInterval != time.Minute || s.EchoFailures != 5 || !s.Debug || s.LogFile != "/var/log/pppd.log" {
		t.Errorf("the options file: %+v", s)
	}
	if len(s.Warnings) > 0 {
		t.Errorf("notices of the options file: %q", s.Warnings)
	}
}

// TestOrder: the system's file, then the user's, then the command line with the peers file; the last
// word wins.
func TestOrder(t *testing.T) {
	r := reader(Client, "testdata/etc")
	if err := r.Defaults(etc(t, map[string]string{".ppprc": "mtu 1400 mru 1400 persist"})); err != nil {
		t.Fatal(err)
	}
	s := r.Settings
	if !s.Auth || s.EchoInterval != 30*time.Second || s.MTU != 1400 {
		t.Errorf("the default files: %+v", s)
	}
	if err := r.CommandLine([]string{"call", "dsl-provider", "holdoff", "7"}); err != nil {
		t.Fatal(err)
	}
	if s.Auth || !s.NoAuth || s.MTU != 1492 || s.MRU != 1400 || s.Holdoff != 7*time.Second || s.MaxFail != 0 || s.EchoFailures != 4 {
		t.Errorf("all together: %+v", s)
	}
	if s.User != "1234567@isp.example" || strings.Join(s.ACNames, " ") != "two words" || string(s.HostUniq) != "\x0a\x1b\x2c" || s.Interface != "eth1" {
		t.Errorf("the words of the peers file: %+v", s)
	}
}

func TestDefaultsMayBeMissing(t *testing.T) {
	if err := reader(Client, t.TempDir()).Defaults(t.TempDir()); err != nil {
		t.Errorf("without /etc/ppp/options and ~/.ppprc: %v", err)
	}
	dir := etc(t, map[string]string{"options": "debug\nfile /nowhere/at/all\npersist"})
	if err := reader(Client, dir).Defaults(""); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "options:2: file: there is no file /nowhere/at/all") {
		t.Errorf("options that include a nonexistent file: %v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	err := reader(Server, "").File("/nowhere/at/all")
	if bad := (*Error)(nil); !errors.As(err, &bad) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want an *Error that is fs.ErrNotExist", err)
	}
	if err := reader(Server, "").File(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a plain file") {
		t.Errorf("a directory: %v", err)
	}
	long := filepath.Join(t.TempDir(), "long")
	os.WriteFile(long, make([]byte, maxFile+1), 0o600)
	if err := reader(Server, "").File(long); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a file that is too long: %v", err)
	}
}

func TestSpellings(t *testing.T) {
	for _, args := range [][]string{
		{"user", "--a=b", "mtu", "1400", "eth0", "192.0.2.1:192.0.2.2", "debug"},
		{"--user", "--a=b", "--mtu=1400", "nic-eth0", "192.0.2.1:192.0.2.2", "--debug"},
		{"--user=--a=b", "--mtu", "1400", "eth0", "192.0.2.1:", ":192.0.2.2", "-d"},
	} {
		r := reader(Client, "")
		if err := r.CommandLine(args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		s := r.Settings
		if s.User != "--a=b" || s.MTU != 1400 || s.Interface != "eth0" || !s.Debug ||
			s.Local != netip.MustParseAddr("192.0.2.1") || s.Remote != netip.MustParseAddr("192.0.2.2") {
			t.Errorf("%q: %+v", args, s)
		}
	}
}

// TestBadOptions: each error has the place, and what is valid.
func TestBadOptions(t *testing.T) {
	dir := etc(t, map[string]string{
		"peers/x":    "user a\n\ndefaultroot\n",
		"peers/open": "user 'a\n",
		"peers/loop": "file FILE\n",
		"peers/gnu":  "--mtu 1400\n",
		"peers/deep": "call none",
		"peers/many": strings.Repeat("call empty\n", maxFiles+1), "peers/empty": "",
		"peers/end": "user",
	})
	for _, c := range []struct{ args, want string }{
		{"call x", dir + `/peers/x:3: unknown option "defaultroot" (did you mean "defaultroute"?)`},
		{"call open", dir + `/peers/open:1: the quote ' is never closed`},
		{"call loop", dir + `/peers/loop:1: files are nested more than 8 deep`},
		{"call many", "/peers/many:64: more than 64 files"},
		{"call gnu", `/peers/gnu:1: unknown option "--mtu"`},
		{"call deep", dir + "/peers/deep:1: call: there is no file " + dir + "/peers/none"},
		{"call end", `/peers/end:1: option "user" needs a value: user NAME`},
		{"call none", "call: there is no file " + dir + "/peers/none"},
		{"call ../x", "must not be empty, begin with / or contain .."},
		{"call a/../../x", "must not be empty, begin with / or contain .."},
		{"call /etc/passwd", "must not be empty, begin with /"},
		{"pppoe-service " + strings.Repeat("x", 1025), "give at most 1024 octets"},
		{"mtu 9", `option "mtu": "9" is not valid: give a number between 128 and 16384`},
		{"mtu x", "give a number between"},
		{"--mtu=16385", `option "mtu": "16385" is not valid: give a number`},
		{"mtu", `option "mtu" needs a value: mtu N`},
		{"--debug=yes", `option "debug" takes no value`},
		{"--eth0", `unknown option "--eth0"`},
		{"--defaultroot", `unknown option "--defaultroot" (did you mean "defaultroute"?)`},
		{"mtu=1400", `option "mtu": write mtu, a space, and then its value`},
		{"ms-dns ::1", "give an IPv4 address"},
		{"lcp-restart 0", "give a number between 1 and"},
		{"host-uniq xyz", "give up to 2048 hexadecimal digits"},
		{"host-uniq abc", "give up to 2048 hexadecimal digits"},
		{"pppoe-mac 01:00:5e:00:53:01", "its first octet is even"},
		{"pppoe-source-mac ff:ff:ff:ff:ff:ff", "its first octet is even"},
		{"pppoe-mac 1:2", "give a unicast Ethernet address like 02:00:5e:00:53:01"},
		{"pppoe-sess 0:02:00:5e:00:53:01", "give a session and its concentrator"},
		{"vlan 4095", "a VLAN identifier is a number from 0 to 4094"},
		{"vlan 50.100.200", "two VLAN tags at most"},
		{"pppoe-pcp 8", "give a number between 0 and 7"},
		{"linkname a/b", "give a valid file name"},
		{"set FOO", "give NAME=VALUE"},
		{"mo-direction up", "give sum, in, out or max"},
		{"plugin radius.so", "only pppoe.so, rp-pppoe.so and passwordfd.so"},
		{"require-mschap", "is refused: MS-CHAP version 1 is broken"},
		{"+mppe-128", "is refused: encryption (MPPE) is not supported"},
		{"1.2.3:4", "not a pair of IPv4 addresses"},
		{"192.0.2.1:127.0.0.1", "not a pair of IPv4 addresses"},
		{"user a nosuchif", `unknown option "nosuchif", and no interface has that name`},
		{"nic-", "unknown option"},
		{"ipv6 x,y", "give interface identifiers like ::1,::2"},
		{"ipv6 fe80::1,", "give interface identifiers like ::1,::2"},
		{"defaultroute-metric x", "give a number between -1 and"},
	} {
		err := reader(Client, dir).CommandLine(strings.Fields(c.args))
		bad := (*Error)(nil)
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error with %q", c.args, err, c.want)
		}
	}
}

// TestUnreadableHome: a user's own options file that cannot be read, or cannot exist, is no error: a
// container's user may have root's home.
func TestUnreadableHome(t *testing.T) {
	r := reader(Client, "/nowhere")
	if err := r.Defaults("/dev/null"); err != nil || len(r.Settings.Warnings) > 0 {
		t.Errorf("a home that is no directory: %v, notices %q", err, r.Settings.Warnings)
	}
	home := etc(t, map[string]string{".ppprc": "mtu 1400"})
	if err := os.Chmod(filepath.Join(home, ".ppprc"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // root may read all files
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		unix.SetfsuidRetUid(65534)
		defer unix.SetfsuidRetUid(0)
	}
	if err := r.Defaults(home); err != nil || len(r.Settings.Warnings) != 1 || r.Settings.Warnings[0] != "Warning - can't open "+filepath.Join(home, ".ppprc")+": permission denied" {
		t.Errorf("a file that cannot be read: %v, notices %q", err, r.Settings.Warnings)
	}
}

// TestHomeOfSudoUser: sudo may keep the caller's HOME. Options there must not apply to root, as they
// name programs to run.
func TestHomeOfSudoUser(t *testing.T) {
	roottest.Need(t)
	for _, c := range []struct {
		what string
		give func(home string) string // the path that belongs to another user
	}{
		{"the file", func(home string) string { return filepath.Join(home, ".ppprc") }},
		{"the home", func(home string) string { return home }},
	} {
		home := etc(t, map[string]string{".ppprc": "mtu 1400 ip-up-script /tmp/his"})
		if err := os.Chown(c.give(home), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		r := reader(Client, "/nowhere")
		err := r.Defaults(home)
		if n := r.Settings.Warnings; err != nil || r.Settings.MTU == 1400 || len(r.Settings.Scripts) > 0 || len(n) != 1 || !strings.Contains(n[0], "it is another user's") {
			t.Errorf("%s belongs to another user: %v, MTU %d, scripts %v, warnings %q", c.what, err, r.Settings.MTU, r.Settings.Scripts, n)
		}
	}
}

// TestWarnings: an ignored option is reported once, unless it is one of serial lines.
func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		role       Role
		args, want string // want: a part of the one warning; empty: none
	}{
		{Client, "noaccomp nodeflate lock crtscts asyncmap 0 novj default-asyncmap bsdcomp 15,15 connect true", ""},
		{Client, "replacedefaultroute idle 60 proxyarp ktune silent linkname isp demand", ""},
		{Client, "lcp-rtt-file /x lcp-rtt-file /y", `option "lcp-rtt-file" has no effect`},
		{Client, "require-chap require-pap noauth", "noauth undoes the require-chap and require-pap before it"},
		{Client, "require-chap noauth", "noauth undoes the require-chap before it"},
		{Client, "noauth", ""},
		{Client, "password x", "Warning - all users of this host can see a password on a command line"},
		{Server, "defaultroute", `option "defaultroute" has no effect on a server`},
		{Server, "demand", `option "demand" has no effect on a server`},
		{Server, "nodefaultroute nopersist noipdefault nodetach", ""},
		{Server, "passive", `option "passive" has no effect`},
	} {
		r := reader(c.role, "")
		if err := r.CommandLine(strings.Fields(c.args)); err != nil {
			t.Errorf("%q: %v", c.args, err)
		}
		switch n := r.Settings.Warnings; {
		case c.want == "" && len(n) > 0:
			t.Errorf("%q: notices %q, want none", c.args, n)
		case c.want != "" && (len(n) != 1 || !strings.Contains(n[0], c.want)):
			t.Errorf("%q: notices %q, want one with %q", c.args, n, c.want)
		}
	}
}

// TestAuth: of noauth and require-* the last wins, as in pppd.
func TestAuth(t *testing.T) {
	for _, c := range []struct {
		args         string
		auth, noAuth bool
		require      string
	}{
		{"", false, false, ""},
		{"auth", true, false, ""},
		{"auth noauth", false, true, ""},
		{"noauth require-eap", true, false, "eap"},
		{"require-pap noauth require-chap +chap", true, false, "chap"},
		{"+pap require-mschap-v2", true, false, "pap mschap-v2"},
		{"require-pap noauth", false, true, ""},
	} {
		r := reader(Server, "")
		if err := r.CommandLine(strings.Fields(c.args)); err != nil {
			t.Fatal(err)
		}
		if s := r.Settings; s.Auth != c.auth || s.NoAuth != c.noAuth || strings.Join(s.Require, " ") != c.require {
			t.Errorf("%q: auth %v, noauth %v, required %q", c.args, s.Auth, s.NoAuth, s.Require)
		}
	}
}

// TestPasswordStaysSecret: neither settings nor errors show the password.
func TestPasswordStaysSecret(t *testing.T) {
	r := reader(Client, etc(t, map[string]string{"peers/p": "password geheim"}))
	if err := r.CommandLine([]string{"call", "p"}); err != nil || string(r.Settings.Password) != "geheim" {
		t.Fatalf("%v, a password of %d octets", err, len(r.Settings.Password))
	}
	if len(r.Settings.Warnings) > 0 {
		t.Errorf("a password that only its owner can read: notices %q", r.Settings.Warnings)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(format, *r.Settings); strings.Contains(text, "geheim") || strings.Contains(text, "67656865696d") {
			t.Errorf("%s shows the password", format)
		}
	}
	for _, text := range []string{"password mein geheim", "password 'mein' :geheim:", "password a user=geheim"} {
		r := reader(Client, etc(t, map[string]string{"peers/p": text}))
		if err := r.CommandLine([]string{"call", "p"}); err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "quotes") {
			t.Errorf("a password without quotes: %v", err)
		}
	}
}

func TestReadablePassword(t *testing.T) {
	dir := etc(t, map[string]string{"peers/p": "file FILE.more", "peers/p.more": "password x", "peers/none": "user a"})
	for _, name := range []string{"p.more", "none"} {
		os.Chmod(filepath.Join(dir, "peers", name), 0o640)
	}
	r := reader(Client, dir)
	if err := r.CommandLine(strings.Fields("call p call none")); err != nil {
		t.Fatal(err)
	}
	want := "Warning - file " + dir + "/peers/p.more holds a password and has world and/or group access: chmod 600 it"
	if !slices.Equal(r.Settings.Warnings, []string{want}) {
		t.Errorf("notices %q, want %q", r.Settings.Warnings, want)
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range []string{"user a mtu 1400\n", "ipv6 ::1,::2", "1.2.3.4:", "nic-x", "--user=a", "password a b", "host-uniq 0a", "call x"} {
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, file bool) {
		lines, err := Lines("f", text)
		if err != nil {
			return
		}
		words := slices.Concat(lines...)
		for i := range words {
			if words[i].Text == "file" || words[i].Text == "--file" || strings.HasPrefix(words[i].Text, "--file=") {
				return // it would read files
			}
			if !file {
				words[i].File, words[i].Line = "", 0
			}
		}
		for _, role := range []Role{Client, Server} {
			r := reader(role, "/nowhere")
			err := r.words(words)
			if bad := (*Error)(nil); err != nil && !errors.As(err, &bad) {
				t.Errorf("%q: %v is not an *Error", text, err)
			}
			if s := r.Settings; len(s.DNS) > 2 || len(s.WINS) > 2 || len(s.Require) > len(methods) || len(s.Refuse) > len(methods) {
				t.Errorf("%q grows without limit: %+v", text, s)
			}
		}
	})
}

// TestNumbers: numbers are parsed as pppd does, with C's strtol.
func TestNumbers(t *testing.T) {
	for value, want := range map[string]int{"1400": 1400, "0x5d4": 1492, "0X5D4": 1492, "02724": 1492, "0": -1, "0x": -1, "0b10": -1, "1_400": -1, "09999": -1, "1400s": -1} {
		r := reader(Client, "")
		err := r.CommandLine([]string{"mtu", value})
		if err == nil && r.Settings.MTU != want || (err != nil) != (want < 0) {
			t.Errorf("mtu %s is %d, %v; want %d", value, r.Settings.MTU, err, want)
		}
	}
}

// TestUnspecifiedAddresses: pppd treats 0.0.0.0 like an omitted address.
func TestUnspecifiedAddresses(t *testing.T) {
	for _, pair := range []string{"0.0.0.0:0.0.0.0", "0.0.0.0:", ":0.0.0.0", ":"} {
		r := reader(Client, "")
		if err := r.CommandLine([]string{"noipdefault", pair}); err != nil || r.Settings.Local.IsValid() || r.Settings.Remote.IsValid() {
			t.Errorf("%s: %v:%v, %v", pair, r.Settings.Local, r.Settings.Remote, err)
		}
	}
	for _, pair := range []string{"127.0.0.1:", ":224.0.0.1", "255.255.255.255:", ":240.0.0.1"} {
		if err := reader(Client, "").CommandLine([]string{pair}); err == nil {
			t.Errorf("%s is accepted", pair)
		}
	}
}

// TestSpeed: the speed of a serial line is ignored, but not a number that may be part of a password.
func TestSpeed(t *testing.T) {
	if err := reader(Client, "").CommandLine([]string{"eth0", "115200", "user", "alice"}); err != nil {
		t.Error(err)
	}
	for _, words := range [][]string{{"password", "two", "115200"}, {"-115200"}, {"0"}, {"--115200"}} {
		if err := reader(Client, "").CommandLine(words); err == nil {
			t.Errorf("%q is accepted", words)
		}
	}
}

func TestUnset(t *testing.T) {
	for _, word := range []string{"NAME=value", "=", ""} {
		r := reader(Client, "")
		if err := r.CommandLine([]string{"unset", word}); err == nil || len(r.Settings.ScriptEnv) > 0 {
			t.Errorf("unset %q: %v, and scripts get %q", word, err, r.Settings.ScriptEnv)
		}
	}
}

// TestShortAddress: pppd accepts Ethernet addresses without leading zeros.
func TestShortAddress(t *testing.T) {
	r := reader(Client, "")
	if err := r.CommandLine(strings.Fields("pppoe-mac 2:0:5e:0:53:1 rp_pppoe_sess 7:2:0:5e:0:53:1")); err != nil {
		t.Fatal(err)
	}
	id, ac, ok := r.Settings.Attached()
	if r.Settings.ACAddr != "02:00:5e:00:53:01" || id != 7 || ac.String() != "02:00:5e:00:53:01" || !ok {
		t.Errorf("%s, session %d at %v, %v", r.Settings.ACAddr, id, ac, ok)
	}
}

// TestLongHostUniq: the maximum length, and one octet more.
func TestLongHostUniq(t *testing.T) {
	r := reader(Client, "")
	if err := r.CommandLine([]string{"host-uniq", strings.Repeat("ab", 1024)}); err != nil || len(r.Settings.HostUniq) != 1024 {
		t.Errorf("%d octets, %v", len(r.Settings.HostUniq), err)
	}
	if err := r.CommandLine([]string{"host-uniq", strings.Repeat("ab", 1025)}); err == nil {
		t.Error("a value that is too long is accepted")
	}
}
