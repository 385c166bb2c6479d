package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"upppoe/internal/config/pppd"
	"upppoe/internal/log/pppdlog"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// parse reads a command line without the files of this machine.
func parse(t *testing.T, words ...string) *pppd.Settings {
	t.Helper()
	s := pppd.New()
	r := pppd.Reader{Role: pppd.Client, Settings: s, Dir: t.TempDir(), IsInterface: func(name string) bool { return name == "eth0" }}
	if err := r.CommandLine(words); err != nil {
		t.Fatal(err)
	}
	return s
}

// write writes a file that only its owner can read.
func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secretsIn sets etc to a directory of the test with some secrets files.
func secretsIn(t *testing.T, files map[string]string) {
	t.Helper()
	before := etc
	etc = t.TempDir()
	t.Cleanup(func() { etc = before })
	for name, text := range files {
		write(t, filepath.Join(etc, name), text)
	}
}

// noEnvironment unsets the default variable of the password.
func noEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv(defaultEnv, "") // restores it
	os.Unsetenv(defaultEnv)
}

func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

// TestWhichPassword: the password from the most secure source is used, in any order of the options.
func TestWhichPassword(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "secret"), "from the file\r\nmore\n")
	for _, c := range []struct {
		what  string
		words []string
		env   map[string]string
		files map[string]string
		want  string
		none  bool // there is no password
	}{
		{what: "nothing", words: []string{"user", "alice"}, none: true},
		{what: "the secrets files", words: []string{"user", "alice"},
			files: map[string]string{"chap-secrets": "alice * \"from chap-secrets\" *\n", "pap-secrets": "alice * other *\n"}, want: "from chap-secrets"},
		{what: "pap-secrets alone", words: []string{"user", "alice"},
			files: map[string]string{"pap-secrets": "alice * \"from pap-secrets\" *\n"}, want: "from pap-secrets"},
		{what: "pap-secrets, since chap-secrets is of others", words: []string{"user", "alice"},
			files: map[string]string{"chap-secrets": "bob * other *\n", "pap-secrets": "alice * \"from pap-secrets\" *\n"}, want: "from pap-secrets"},
		{what: "password before the secrets files", words: []string{"user", "alice", "password", "given"},
			files: map[string]string{"chap-secrets": "alice * other *\n"}, want: "given"},
		{what: "an empty password", words: []string{"user", "alice", "password", ""},
			files: map[string]string{"chap-secrets": "alice * other *\n"}, want: ""},
		{what: "PPPOE_PASSWORD before the secrets files", words: []string{"user", "alice"},
			env: map[string]string{defaultEnv: "from the environment"}, files: map[string]string{"chap-secrets": "alice * other *\n"}, want: "from the environment"},
		{what: "password before PPPOE_PASSWORD, which another program may have left", words: []string{"user", "alice", "password", "given"},
			env: map[string]string{defaultEnv: "other"}, want: "given"},
		{what: "password-env before password", words: []string{"user", "alice", "password-env", "MINE", "password", "other"},
			env: map[string]string{"MINE": "from my variable", defaultEnv: "other"}, want: "from my variable"},
		{what: "password-file before all", words: []string{"user", "alice", "password-file", file, "password", "other", "password-env", "MINE"},
			env: map[string]string{"MINE": "other", defaultEnv: "other"}, files: map[string]string{"chap-secrets": "alice * other *\n"}, want: "from the file"},
	} {
		t.Run(c.what, func(t *testing.T) {
			noEnvironment(t)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			secretsIn(t, c.files)
			who, err := credentials(parse(t, c.words...), silent())
			if err != nil {
				t.Fatal(err)
			}
			got, ok := who.Secret("ac")
			if who.Name != "alice" || string(got) != c.want || ok == c.none {
				t.Errorf("%s with %q, %v; want alice with %q", who.Name, got, ok, c.want)
			}
		})
	}
}

// TestClearPassword: a secret of chap-secrets is not sent by PAP, and PAP is not accepted if it cannot be
// answered; with a given password, or none at all, all methods are accepted.
func TestClearPassword(t *testing.T) {
	noEnvironment(t)
	const inCHAP, inPAP = "alice * \"from chap-secrets\" *\n", "alice * \"from pap-secrets\" *\n"
	for _, c := range []struct {
		what    string
		words   []string
		files   map[string]string
		clear   string
		methods int
	}{
		{what: "both", files: map[string]string{"chap-secrets": inCHAP, "pap-secrets": inPAP}, clear: "from pap-secrets", methods: 4},
		{what: "pap-secrets alone", files: map[string]string{"pap-secrets": inPAP}, clear: "from pap-secrets", methods: 4},
		{what: "chap-secrets alone", files: map[string]string{"chap-secrets": inCHAP}, methods: 3},
		{what: "chap-secrets, and nothing but PAP", words: []string{"refuse-eap", "refuse-chap", "refuse-mschap-v2"},
			files: map[string]string{"chap-secrets": inCHAP}, methods: 1},
		{what: "nothing", methods: 4},
		{what: "given", words: []string{"password", "given"}, files: map[string]string{"chap-secrets": inCHAP}, clear: "given", methods: 4},
	} {
		t.Run(c.what, func(t *testing.T) {
			secretsIn(t, c.files)
			cfg, err := config(parse(t, append([]string{"eth0", "user", "alice"}, c.words...)...), silent())
			if err != nil {
				t.Fatal(err)
			}
			who := cfg.Session.Credentials
			clear := who.CleartextSecret
			if clear == nil {
				clear = func() ([]byte, bool) { return who.Secret("") }
			}
			got, ok := clear()
			if string(got) != c.clear || ok != (c.clear != "") || len(cfg.Session.LCP.AllowAuth) != c.methods {
				t.Errorf("%q, %v by PAP, and %d methods; want %q, and %d", got, ok, len(cfg.Session.LCP.AllowAuth), c.clear, c.methods)
			}
		})
	}
}

// TestName: our name is that of option user, or else of option name.
func TestName(t *testing.T) {
	noEnvironment(t)
	secretsIn(t, nil)
	for _, c := range []struct {
		words []string
		want  string
	}{
		{nil, ""}, {[]string{"name", "host"}, "host"}, {[]string{"user", "alice", "name", "host"}, "alice"},
	} {
		who, err := credentials(parse(t, c.words...), silent())
		if err != nil || who.Name != c.want {
			t.Errorf("%q: %q, %v; want %q", c.words, who.Name, err, c.want)
		}
	}
}

// TestPeersName: secrets are looked up by the name that the peer sends, or by remotename.
func TestPeersName(t *testing.T) {
	noEnvironment(t)
	secretsIn(t, map[string]string{"chap-secrets": "alice isp \"for isp\" *\nalice other \"for other\" *\n"})
	for _, c := range []struct {
		words []string
		peer  string
		want  string
		ok    bool
	}{
		{[]string{"user", "alice"}, "isp", "for isp", true},
		{[]string{"user", "alice"}, "other", "for other", true},
		{[]string{"user", "alice"}, "stranger", "", false},
		{[]string{"user", "alice", "remotename", "isp"}, "stranger", "for isp", true},
		{[]string{"user", "bob"}, "isp", "", false},
	} {
		who, err := credentials(parse(t, c.words...), silent())
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := who.Secret(c.peer); string(got) != c.want || ok != c.ok {
			t.Errorf("%q, of a peer %s: %q, %v; want %q, %v", c.words, c.peer, got, ok, c.want, c.ok)
		}
	}
}

// TestBadPassword: a password that cannot be read is an error that names the option, and no password.
func TestBadPassword(t *testing.T) {
	noEnvironment(t)
	dir := t.TempDir()
	empty := write(t, filepath.Join(dir, "empty"), "\ngeheim\n")
	for _, c := range []struct {
		words []string
		want  []string
		code  int
		is    error
	}{
		{[]string{"password-file", dir + "/none", "password", "geheim"}, []string{"password-file", dir + "/none"}, exitFatal, fs.ErrNotExist},
		{[]string{"password-file", dir}, []string{"password-file", "not a plain file"}, exitFatal, nil},
		{[]string{"password-file", empty}, []string{"password-file", "empty"}, exitFatal, nil},
		{[]string{"password-env", "NO_SUCH", "password", "geheim"}, []string{`option "password-env"`, "NO_SUCH"}, exitOptions, nil},
	} {
		_, given, err := password(parse(t, c.words...), slog.New(slog.DiscardHandler))
		if err == nil || given || c.is != nil && !errors.Is(err, c.is) || exitCode(err) != c.code {
			t.Errorf("%q: given %v, %v, exit code %d; want %d", c.words, given, err, exitCode(err), c.code)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%q: %v; want %q in it", c.words, err, want)
			}
		}
	}
}

// TestSecretsFiles: a malformed line is an error, so that no other password is sent instead; the log has
// a warning.
func TestSecretsFiles(t *testing.T) {
	noEnvironment(t)
	secretsIn(t, map[string]string{"chap-secrets": "alice * \"geheim *\n", "pap-secrets": "alice * other *\n"})
	if _, err := credentials(parse(t, "user", "alice"), silent()); exitCode(err) != exitOptions || strings.Contains(err.Error(), "geheim") {
		t.Errorf("an unclosed quote: %v", err)
	}
	who, err := credentials(parse(t, "user", "bob"), silent())
	if _, ok := who.Secret(""); err != nil || ok {
		t.Errorf("an unclosed quote in the line of another: %v", err)
	}
	secretsIn(t, map[string]string{"chap-secrets": "alice\nalice * geheim *\n"})
	if err := os.Chmod(filepath.Join(etc, "chap-secrets"), 0o644); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	_, err = credentials(parse(t, "user", "alice"), slog.New(memoryLog(&b)))
	if text := b.String(); exitCode(err) != exitOptions || !strings.Contains(err.Error(), "chap-secrets:1") || strings.Count(text, "\n") != 2 || !strings.Contains(text, "chap-secrets:1") || strings.Contains(text, "geheim") {
		t.Errorf("%v, the log is %q; want warnings of a malformed line and a readable file", err, text)
	}
}

// TestPasswordIsNotShown: neither settings nor credentials show it in a log.
func TestPasswordIsNotShown(t *testing.T) {
	noEnvironment(t)
	s := parse(t, "user", "alice", "password", "geheim")
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	who, err := credentials(s, log)
	log.Info("", "settings", s, "credentials", who.Name)
	slog.New(slog.NewTextHandler(&b, nil)).Info("", "settings", *s)
	if err != nil || strings.Contains(b.String(), "geheim") || strings.Contains(strings.Join(s.Warnings, ""), "geheim") {
		t.Errorf("%v, the log is %s", err, &b)
	}
}

// TestRedial: 0 is a value for pppd, and the default in pppoe.Redial.
func TestRedial(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  pppoe.Redial
	}{
		{nil, pppoe.Redial{Holdoff: 30 * time.Second, MaxFail: 10}},
		{[]string{"persist"}, pppoe.Redial{Persist: true, Holdoff: 30 * time.Second, MaxFail: 10}},
		{[]string{"persist", "nopersist"}, pppoe.Redial{Holdoff: 30 * time.Second, MaxFail: 10}},
		{[]string{"persist", "holdoff", "5", "maxfail", "3"}, pppoe.Redial{Persist: true, Holdoff: 5 * time.Second, MaxFail: 3}},
		{[]string{"persist", "maxfail", "0"}, pppoe.Redial{Persist: true, Holdoff: 30 * time.Second, MaxFail: -1}},
		{[]string{"persist", "holdoff", "0"}, pppoe.Redial{Persist: true, Holdoff: -1, MaxFail: 10}},
	} {
		got := redial(parse(t, c.words...))
		if c.want.Holdoff < 0 && got.Holdoff < 0 {
			got.Holdoff = c.want.Holdoff // any negative value is the same
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.words, got, c.want)
		}
	}
}

func TestDiscovery(t *testing.T) {
	c, err := discoveryConfig(parse(t))
	if err != nil || c.Service != "" || c.OmitService || c.ACNames != nil || c.AC != (wire.Addr{}) || c.HostUniq != nil ||
		c.MaxPayload != 0 || c.Timeout != 0 || c.Attempts != 0 || c.Probe || c.Rand != nil {
		t.Errorf("without options: %+v, %v; want defaults", c, err)
	}
	c, err = discoveryConfig(parse(t, "pppoe-service", "internet", "pppoe-ac", "ac1", "pppoe-mac", "02:00:5e:00:53:01",
		"host-uniq", "0a1b", "pppoe-padi-timeout", "2", "pppoe-padi-attempts", "7"))
	if err != nil || c.Service != "internet" || !slices.Equal(c.ACNames, []string{"ac1"}) || c.AC != (wire.Addr{2, 0, 0x5e, 0, 0x53, 1}) ||
		!bytes.Equal(c.HostUniq, []byte{0x0a, 0x1b}) || c.Timeout != 2*time.Second || c.Attempts != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = discoveryConfig(parse(t, "pppoe-service", "NO-SERVICE-NAME-NON-RFC-COMPLIANT"))
	if err != nil || c.Service != "" || !c.OmitService {
		t.Errorf("no Service-Name tag: %+v, %v", c, err)
	}
	s := parse(t)
	s.ACAddr = "nonsense"
	if _, err := discoveryConfig(s); exitCode(err) != exitOptions || !strings.Contains(err.Error(), `"pppoe-mac"`) {
		t.Errorf("an invalid address: %v", err)
	}
}

// TestKernelNetns: the kernel data path cannot be combined with another network namespace.
func TestKernelNetns(t *testing.T) {
	secretsIn(t, nil)
	for _, c := range []struct {
		words []string
		want  int
	}{
		{[]string{"datapath", "kernel", "netns", "blue"}, exitOptions},
		{[]string{"datapath", "kernel"}, 0},
		{[]string{"netns", "blue"}, 0},
		{[]string{"datapath", "kernel", "netns", "blue", "demand"}, 0}, // demand uses plain
	} {
		if _, err := config(parse(t, append(c.words, "user", "u", "password", "p")...), silent()); err == nil != (c.want == 0) || err != nil && exitCode(err) != c.want {
			t.Errorf("%q: %v", c.words, err)
		}
	}
}

// TestPathCheck: it is enabled by default; the last option wins.
func TestPathCheck(t *testing.T) {
	for words, want := range map[string]bool{"": true, "nopath-check": false, "nopath-check path-check": true, "path-check nopath-check": false} {
		c, err := config(parse(t, append([]string{"eth0"}, strings.Fields(words)...)...), silent())
		if err != nil || c.Session.LCP.CheckPath != want {
			t.Errorf("%q: the path is checked: %v, %v; want %v", words, c.Session.LCP.CheckPath, err, want)
		}
	}
}

// TestMaxPayload: RFC 4638 is requested if either direction is to carry more than 1492 octets.
func TestMaxPayload(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  int
	}{
		{[]string{"mtu", "1500"}, 1500}, {[]string{"mru", "1500"}, 1500},
		{[]string{"mtu", "1400", "mru", "1508"}, 1508}, {[]string{"mru", "1500", "default-mru"}, 0},
	} {
		if got, err := discoveryConfig(parse(t, c.words...)); err != nil || got.MaxPayload != c.want {
			t.Errorf("%q: %d, %v; want %d", c.words, got.MaxPayload, err, c.want)
		}
	}
}

// TestHostResolver: name servers are written only with usepeerdns and without noresolvconf.
func TestHostResolver(t *testing.T) {
	for words, want := range map[string]bool{
		"": false, "usepeerdns": true, "noresolvconf": false, "usepeerdns noresolvconf": false, "noresolvconf usepeerdns": false,
	} {
		h := host(parse(t, append([]string{"eth0"}, strings.Fields(words)...)...), silent())
		if (h.ResolvConf != "") != want || (h.SystemResolvConf != "") != want {
			t.Errorf("%q: written to %q, want any %v", words, h.ResolvConf, want)
		}
	}
}

func TestDeviceName(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{nil, ""}, {[]string{"unit", "0"}, "ppp0"}, {[]string{"unit", "7"}, "ppp7"}, {[]string{"unit", "7", "ifname", "wan"}, "wan"},
	} {
		if got := deviceName(parse(t, c.words...)); got != c.want {
			t.Errorf("%q: %q, want %q", c.words, got, c.want)
		}
	}
}

// memoryLog returns a log that writes each line at once.
func memoryLog(w io.Writer) *pppdlog.Handler {
	lines := pppdlog.NewHandler(false)
	lines.AddUnqueued(w)
	return lines
}

// TestNoRemoteIP: the link also comes up if the peer sends no address; with noremoteip none is made up.
func TestNoRemoteIP(t *testing.T) {
	for _, c := range []struct {
		word string
		bare bool
	}{{"noipdefault", false}, {"noremoteip", true}} {
		cfg, err := config(parse(t, "eth0", "user", "alice", c.word), silent())
		if err != nil || !cfg.Session.IPv4.Unnumbered || cfg.NoRemoteAddress != c.bare {
			t.Errorf("%s: %v; unnumbered %v, no remote address %v", c.word, err, cfg.Session.IPv4.Unnumbered, cfg.NoRemoteAddress)
		}
	}
	if _, err := config(parse(t, "eth0", "user", "alice", "noip"), silent()); err != nil {
		t.Error(err)
	}
}
