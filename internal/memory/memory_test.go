package memory

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

var session = Session{ID: 7, AC: "02:00:5e:00:53:01", Local: netip.MustParseAddr("192.0.2.10"), LocalID: "::1"}

func open(t *testing.T, dir, line string, want int) *Slot {
	t.Helper()
	s, left, err := Open(dir, line)
	if err != nil || len(left) != want {
		t.Fatalf("%d sessions are left, %v; want %d", len(left), err, want)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestWhatACrashLeaves(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := open(t, dir, "eth0", 0)
	if err := first.Write(session); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, "eth0", 0) // the first one's session is open
	second.Write(Session{ID: 8, AC: session.AC})
	open(t, dir, "eth0.50", 0).Close()
	first.Close()
	second.Close() // both have crashed

	s, left, err := Open(dir, "eth0")
	if err != nil || len(left) != 2 || left[0] != session || left[1].ID != 8 {
		t.Fatalf("left: %+v, %v; want both sessions", left, err)
	}
	if stale, ok := left[0].Stale(); !ok || stale.SessionID != 7 || stale.AC.String() != session.AC {
		t.Errorf("a session to end: %+v, %v", stale, ok)
	}
	s.Clear()
	s.Close()
	open(t, dir, "eth0", 0)
}

// TestKeptUntilReplaced: one that crashes before it has dialled leaves the session to
// the next.
func TestKeptUntilReplaced(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "eth0", 0)
	s.Write(session)
	s.Close()
	open(t, dir, "eth0", 1).Close()
	open(t, dir, "eth0", 1)
}

func TestNonsense(t *testing.T) {
	dir := t.TempDir()
	for i, text := range []string{"", "{", `{"session_id":70000}`, `{"session_id":0,"ac":"02:00:5e:00:53:01"}`, "\x00\x00\x00"} {
		os.WriteFile(filepath.Join(dir, "eth0."+string(rune('0'+i))+".json"), []byte(text), 0o600)
	}
	open(t, dir, "eth0", 0)
	for _, s := range []Session{{}, {ID: 1, AC: "x"}, {ID: 0xffff, AC: session.AC}, {ID: 1, AC: "ff:ff:ff:ff:ff:ff"}} {
		if _, ok := s.Stale(); ok {
			t.Errorf("%+v would be ended", s)
		}
	}
	if err := os.Symlink("/dev/null", filepath.Join(dir, "eth1.0.json")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, "eth1"); err == nil {
		t.Error("a symbolic link is followed")
	}
}

// TestShorterText: what is replaced by less is gone, also for one who reads before it is
// cut off.
func TestShorterText(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "eth0", 0)
	long, short := session, Session{ID: 9, AC: session.AC}
	for _, is := range []Session{long, short} {
		if err := s.Write(is); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	path := filepath.Join(dir, "eth0.0.json")
	text, err := os.ReadFile(path)
	if err != nil || bytes.Count(text, []byte("\n")) != 1 {
		t.Errorf("the file says %q, %v", text, err)
	}
	if err := os.WriteFile(path, append(text, `":"::1"}`+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	s, left, err := Open(dir, "eth0")
	if err != nil || len(left) != 1 || left[0] != short {
		t.Fatalf("left: %+v, %v; want %+v", left, err, short)
	}
	s.Close()
}
