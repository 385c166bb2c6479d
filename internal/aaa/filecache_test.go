package aaa

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/pap"
	"upppoe/pppoe"
)

// checkingAlways has the files checked at each login.
func checkingAlways(a *FileAuthenticator) *FileAuthenticator {
	a.checkInterval = 0
	return a
}

// TestFilesCheckedSeldom: a file that was checked is not checked again within checkInterval.
func TestFilesCheckedSeldom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pap-secrets")
	synctest.Test(t, func(t *testing.T) {
		a := NewFileAuthenticator(filepath.Dir(path), "ac", false, slog.New(slog.DiscardHandler))
		for i, want := range []bool{true, true, false} {
			if i == 0 {
				if err := os.WriteFile(path, []byte("alice ac one *\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				os.Remove(path)
				time.Sleep(checkInterval - 1)
			}
			if d := a.Authenticate(context.Background(), pppoe.SessionInfo{}, pap.Credential{Name: "alice", Password: pap.Password("one")}); d.Accepted != want {
				t.Errorf("login %d: granted %v (%s), want %v", i, d.Accepted, d.Reason, want)
			}
		}
	})
}

// TestStaleFileKept: accounts stay valid while their file cannot be read, also after a SIGHUP; the
// log says so, once. A deleted file has no accounts.
func TestStaleFileKept(t *testing.T) {
	dir, out := t.TempDir(), &bytes.Buffer{}
	path := filepath.Join(dir, "pap-secrets")
	make := func() *FileAuthenticator {
		return checkingAlways(NewFileAuthenticator(dir, "ac", false, slog.New(slog.NewTextHandler(out, nil))))
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(a *FileAuthenticator, want bool, when string) {
		t.Helper()
		if d := a.Authenticate(context.Background(), pppoe.SessionInfo{Unit: 2}, pap.Credential{Name: "alice", Password: pap.Password("one")}); d.Accepted != want {
			t.Errorf("%s: granted %v (%s), want %v", when, d.Accepted, d.Reason, want)
		}
	}
	write("alice ac one *\n")
	a := make()
	check(a, true, "at first")
	os.Remove(path)
	if err := os.Mkdir(path, 0o700); err != nil { // it cannot be read, even by root
		t.Fatal(err)
	}
	for range 3 {
		check(a, true, "while the file cannot be read")
	}
	if n := strings.Count(out.String(), "the accounts that were read before stay valid"); n != 1 {
		t.Errorf("the log says so %d times: %s", n, out)
	}
	next := make()
	check(next, false, "with accounts that have read nothing")
	next = make()
	next.InheritCache(a)
	check(next, true, "with accounts that take the others' place")
	os.Remove(path)
	write("alice ac two *\n")
	check(next, false, "with another password")
	check(a, false, "with another password")
	os.Remove(path)
	check(a, false, "without the file")
	next = make()
	next.InheritCache(a)
	check(next, false, "without the file, anew")
}

// TestFilesReloaded: a file that changes, appears, disappears or cannot be read is evaluated as it
// is at each login, and an error is logged once.
func TestFilesReloaded(t *testing.T) {
	dir := t.TempDir()
	path, other := filepath.Join(dir, "pap-secrets"), filepath.Join(dir, "other")
	var log strings.Builder
	a := checkingAlways(NewFileAuthenticator(dir, "ac", false, slog.New(slog.NewTextHandler(&log, nil))))
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		time := time.Unix(1, 0) // the same for all
		if err := os.Chtimes(path, time, time); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range []struct {
		change func()
		want   string // the password; empty: none is accepted
	}{
		{func() {}, ""},
		{func() { write(path, "alice ac one *\n") }, "one"},
		{func() { write(other, "alice ac two *\n"); os.Rename(other, path) }, "two"}, // of the same length and time
		{func() { os.Remove(path) }, ""},
		{func() { os.Mkdir(path, 0o700) }, ""},
		{func() { os.Remove(path); write(path, "alice ac one *\n") }, "one"},
	} {
		c.change()
		for _, password := range []string{"one", "two", "one", "two"} {
			d := a.Authenticate(context.Background(), pppoe.SessionInfo{Unit: 2}, pap.Credential{Name: "alice", Password: pap.Password(password)})
			if d.Accepted != (password == c.want) {
				t.Errorf("%d: password %q: granted %v", i, password, d.Accepted)
			}
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "not a plain file") {
		t.Errorf("the log, in which only the directory is an error: %s", &log)
	}
}

// TestUnreadableOnce: a file whose path cannot be looked up rejects all logins, and is logged once
// while that is so.
func TestUnreadableOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file, where a directory should be
		t.Fatal(err)
	}
	var log strings.Builder
	a := checkingAlways(NewFileAuthenticator(dir, "ac", false, slog.New(slog.NewTextHandler(&log, nil))))
	for range 3 {
		if d := a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 1}, pap.Credential{Name: "alice", Password: pap.Password("x")}); d.Accepted || d.Reason == "" {
			t.Errorf("granted %v, %q", d.Accepted, d.Reason)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("logged %d times, want once: %s", n, &log)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if d := a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 1}, pap.Credential{Name: "alice", Password: pap.Password("x")}); d.Accepted || !strings.HasPrefix(d.Reason, "no file ") || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("without the directory: %q, the log %s", d.Reason, &log)
	}
}
