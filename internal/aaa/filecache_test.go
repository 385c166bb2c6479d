package aaa

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"upppoe/ppp/pap"
	"upppoe/pppoe"
)

// TestStaleFileKept: accounts stay valid while their file cannot be read, also after a SIGHUP; the
// log says so, once. A deleted file has no accounts.
func TestStaleFileKept(t *testing.T) {
	dir, out := t.TempDir(), &bytes.Buffer{}
	path := filepath.Join(dir, "pap-secrets")
	make := func() *FileAuthenticator {
		return NewFileAuthenticator(dir, "ac", pppoe.Pool{}, slog.New(slog.NewTextHandler(out, nil)))
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(a *FileAuthenticator, want bool, when string) {
		t.Helper()
		if d := a.Authenticate(context.Background(), pppoe.SessionInfo{SessionID: 3}, pap.Credential{Name: "alice", Password: pap.Password("one")}); d.Accepted != want {
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
