package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

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

// TestShowOptions: show-options needs no other option.
func TestShowOptions(t *testing.T) {
	if s, err := settings([]string{"show-options"}); err != nil || !s.ShowOptions {
		t.Errorf("show-options alone: %v", err)
	}
}
