package main

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// noEnvironment unsets the default variable of the password.
func noEnvironment(t *testing.T) {
	t.Helper()
	t.Setenv(defaultEnv, "") // restores it
	os.Unsetenv(defaultEnv)
}

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

// TestReadablePasswordFile: a password file that others can read is used, with a warning.
func TestReadablePasswordFile(t *testing.T) {
	noEnvironment(t)
	path := write(t, filepath.Join(t.TempDir(), "word"), "geheim\n")
	for mode, warned := range map[os.FileMode]bool{0o600: false, 0o640: true, 0o604: true} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		got, _, err := password(parse(t, "password-file", path), slog.New(memoryLog(&b)))
		if err != nil || string(got) != "geheim" {
			t.Errorf("%v: %v", mode, err)
		}
		if want := "Warning - secret file " + path + " has world and/or group access\n"; warned && b.String() != want || !warned && b.Len() > 0 {
			t.Errorf("%v: the log is %q, want it to warn: %v", mode, &b, warned)
		}
	}
}

// TestSecretFileIsReadAgain: a redial uses the password that the file has then.
func TestSecretFileIsReadAgain(t *testing.T) {
	noEnvironment(t)
	word := write(t, filepath.Join(t.TempDir(), "word"), "one\n")
	secretsIn(t, map[string]string{"chap-secrets": "alice * @" + word + " *\n", "pap-secrets": "alice * other *\n"})
	who, err := credentials(parse(t, "user", "alice"), silent())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two", ""} {
		if want == "" {
			os.Remove(word)
		} else {
			write(t, word, want+"\n")
		}
		if got, ok := who.Secret("ac"); string(got) != want || ok != (want != "") {
			t.Errorf("a secret of %d octets, %v; want %q, and not that of another file", len(got), ok, want)
		}
	}
}

// TestPasswordFD: pppd's passwordfd is the first line read from a descriptor, which is then closed.
func TestPasswordFD(t *testing.T) {
	noEnvironment(t)
	for text, want := range map[string]string{"geheim": "geheim", "geheim\n": "geheim", "geheim\r\nmore\n": "geheim", " ge heim ": " ge heim ", "": "", "\nmore": ""} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		w.WriteString(text)
		w.Close()
		fd, err := unix.Dup(int(r.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		got, given, err := password(parse(t, "plugin", "passwordfd.so", "passwordfd", strconv.Itoa(fd), "password-file", "/nowhere"), silent())
		if string(got) != want || given != (want != "") || (err == nil) != (want != "") || err != nil && (exitCode(err) != exitOptions || !strings.Contains(err.Error(), `option "passwordfd"`)) {
			t.Errorf("%q: %q, given %v, %v; want %q", text, got, given, err, want)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("%q: the descriptor stays open for scripts: %v", text, err)
		}
	}
	if _, _, err := password(parse(t, "passwordfd", "9999"), silent()); exitCode(err) != exitOptions {
		t.Errorf("a descriptor that is not open: %v", err)
	}
}

// TestOtherSecretsFiles: options chap-secrets and pap-secrets name other files, independently.
func TestOtherSecretsFiles(t *testing.T) {
	noEnvironment(t)
	dir := t.TempDir()
	secretsIn(t, map[string]string{"chap-secrets": "alice * one *\n", "pap-secrets": "alice * two *\n"})
	chap := write(t, filepath.Join(dir, "c"), "alice * three *\n")
	pap := write(t, filepath.Join(dir, "p"), "alice * four *\n")
	for _, c := range []struct {
		words         []string
		secret, clear string
	}{
		{nil, "one", "two"}, {[]string{"chap-secrets", chap}, "three", "two"}, {[]string{"pap-secrets", pap}, "one", "four"},
	} {
		who, err := credentials(parse(t, append(c.words, "user", "alice")...), silent())
		if err != nil {
			t.Fatal(err)
		}
		secret, _ := who.Secret("ac")
		clear, _ := who.CleartextSecret()
		if string(secret) != c.secret || string(clear) != c.clear {
			t.Errorf("%q: %q and %q, want %q and %q", c.words, secret, clear, c.secret, c.clear)
		}
	}
}
