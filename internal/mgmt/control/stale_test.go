package control

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestStaleSockets: a program removes exactly those sockets of its directory at which none listens
// any more; a new one may be about to.
func TestStaleSockets(t *testing.T) {
	dir := t.TempDir()
	long := time.Now().Add(-time.Minute)
	make := func(name string, listens bool, at time.Time) {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, name)})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		if listens {
			t.Cleanup(func() { l.Close() })
		} else {
			l.Close()
		}
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	make("1.sock", false, long)
	make("2.sock", true, long)
	make("3.sock", false, time.Now())
	make("4.other", false, long)
	for _, name := range []string{"5.sock", "6.pid"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(filepath.Join(dir, name), long, long)
	}
	s, err := ListenClient(dir, nil, NewLogRing())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, want := range map[string]bool{"1.sock": false, "2.sock": true, "3.sock": true, "4.other": true, "5.sock": true, "6.pid": true} {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", name, err == nil, want)
		}
	}
}

// TestOtherFileStays: what is not a socket is not replaced.
func TestOtherFileStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.toml")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(Config{Path: path}); err == nil {
		s.Close()
		t.Error("a socket in place of a file")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "text" {
		t.Errorf("%q, %v", text, err)
	}
}
