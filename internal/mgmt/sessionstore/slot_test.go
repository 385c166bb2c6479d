package sessionstore

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

var session = Session{ID: 7, AC: "02:00:5e:00:53:01", LocalIPv4: netip.MustParseAddr("192.0.2.10"), InterfaceID: "::1"}

func open(t *testing.T, dir, attachment string, want int) *Slot {
	t.Helper()
	s, left, err := Open(dir, attachment)
	if err != nil || len(left) != want {
		t.Fatalf("%d sessions are left, %v; want %d", len(left), err, want)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSessionsAfterCrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first := open(t, dir, "eth0", 0)
	if err := first.Write(session); err != nil {
		t.Fatal(err)
	}
	second := open(t, dir, "eth0", 0) // the first one's session is open
	second.Write(Session{ID: 8, AC: session.AC})
	open(t, dir, "eth0.50", 0).Close()
	first.Close()
	second.Close() // both crash

	s, left, err := Open(dir, "eth0")
	if err != nil || len(left) != 2 || left[0] != session || left[1].ID != 8 {
		t.Fatalf("left: %+v, %v; want both sessions", left, err)
	}
	if s.Left() != session || s.Damaged() {
		t.Errorf("the slot had %+v", s.Left())
	}
	if stale, ok := left[0].Stale(); !ok || stale.SessionID != 7 || stale.AC.String() != session.AC {
		t.Errorf("a session to end: %+v, %v", stale, ok)
	}
	s.Clear()
	s.Close()
	open(t, dir, "eth0", 0)
}

// TestKeptUntilReplaced: a program that crashes before it has dialled leaves the record to the
// next one.
func TestKeptUntilReplaced(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, "eth0", 0)
	s.Write(session)
	s.Close()
	open(t, dir, "eth0", 1).Close()
	open(t, dir, "eth0", 1)
}

func TestInvalidFiles(t *testing.T) {
	dir := t.TempDir()
	for i, text := range []string{"", "{", `{"session_id":70000}`, `{"session_id":0,"ac":"02:00:5e:00:53:01"}`, "\x00\x00\x00"} {
		os.WriteFile(filepath.Join(dir, "eth0."+string(rune('0'+i))+".json"), []byte(text), 0o600)
	}
	if s := open(t, dir, "eth0", 0); s.Damaged() {
		t.Error("an empty file is damaged")
	}
	os.WriteFile(filepath.Join(dir, "eth2.0.json"), []byte("{"), 0o600)
	if s := open(t, dir, "eth2", 0); !s.Damaged() || s.Left().ID != 0 {
		t.Errorf("a damaged file is not, or has %+v", s.Left())
	}
	for _, s := range []Session{{}, {ID: 1, AC: "x"}, {ID: 0xffff, AC: session.AC}, {ID: 1, AC: "ff:ff:ff:ff:ff:ff"}} {
		if _, ok := s.Stale(); ok {
			t.Errorf("%+v would be terminated", s)
		}
	}
	if err := os.Symlink("/dev/null", filepath.Join(dir, "eth1.0.json")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, "eth1"); err == nil {
		t.Error("a symbolic link is followed")
	}
}

// TestStaleBounds: the session IDs and addresses of sessions that can be terminated (RFC 2516
// section 4: 0 is used in discovery, 0xffff is reserved).
func TestStaleBounds(t *testing.T) {
	for _, c := range []struct {
		id   uint16
		ac   string
		want bool
	}{
		{0, "02:00:5e:00:53:01", false}, {1, "02:00:5e:00:53:01", true}, {0xfffe, "02:00:5e:00:53:01", true}, {0xffff, "02:00:5e:00:53:01", false},
		{7, "01:00:5e:00:53:01", false}, {7, "ff:ff:ff:ff:ff:ff", false}, {7, "02:00:5e:00:53", false}, {7, "", false},
	} {
		if stale, ok := (Session{ID: c.id, AC: c.ac}).Stale(); ok != c.want || ok && stale.SessionID != c.id {
			t.Errorf("session %d at %q: %+v, %v; want %v", c.id, c.ac, stale, ok, c.want)
		}
	}
}

// TestFileNames: files are named after the attachment, without a /, and sibling files after them.
func TestFileNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	s := open(t, dir, "a/b", 0)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory: %v, %v; want access only for its user", info.Mode(), err)
	}
	if got, want := s.file.Name(), filepath.Join(dir, "a_b.0.json"); got != want {
		t.Errorf("the slot is %s, want %s", got, want)
	}
	if got, want := s.SiblingPath(".routes"), filepath.Join(dir, "a_b.0.routes"); got != want {
		t.Errorf("the sibling path is %s, want %s", got, want)
	}
	if got, want := open(t, dir, "a/b", 0).file.Name(), filepath.Join(dir, "a_b.1.json"); got != want {
		t.Errorf("the second slot is %s, want %s", got, want)
	}
	info, err := os.Stat(s.file.Name())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v; want access only for its user", info.Mode(), err)
	}
}

// TestMaxRecordSize: at most 16384 octets of a file are read.
func TestMaxRecordSize(t *testing.T) {
	for length, want := range map[int]int{16384: 1, 16385: 0} {
		dir := t.TempDir()
		text := `{"session_id":7,"local_id":"` + strings.Repeat("x", length-30) + `"}`
		if len(text) != length {
			t.Fatalf("%d octets", len(text))
		}
		if err := os.WriteFile(filepath.Join(dir, "eth0.0.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		open(t, dir, "eth0", want)
	}
}

// TestShorterRecord: nothing of a longer record remains, also for a reader before the file is
// truncated.
func TestShorterRecord(t *testing.T) {
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

// TestWaitsForExitingOwner: a process that is being killed still holds its file, and the next one
// waits for it instead of leaving its session open at the concentrator.
func TestWaitsForExitingOwner(t *testing.T) {
	dir := t.TempDir()
	dead := exec.Command("true")
	if err := dead.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dead.Wait() }) // until then its ID is not reused
	first := open(t, dir, "eth0", 0)
	text, err := json.Marshal(record{session, owner{dead.Process.Pid, pidNamespace()}})
	if err == nil {
		_, err = first.file.WriteAt(text, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	for !(owner{dead.Process.Pid, pidNamespace()}).isExiting() {
		runtime.Gosched()
	}
	go first.Close()
	if s := open(t, dir, "eth0", 1); s.file.Name() != filepath.Join(dir, "eth0.0.json") {
		t.Errorf("the slot is %s, want the one that was left", s.file.Name())
	}
}

func TestIsExiting(t *testing.T) {
	const status, stat = "Name:\tx\nState:\tS (sleeping)\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n", "7 (a ) b) S 1 7 7 0 -1 4194560 0 0"
	for _, c := range []struct {
		what, status, stat string
		want               bool
	}{
		{"running", status, stat, false},
		{"a zombie", strings.Replace(status, "S (sleeping)", "Z (zombie)", 1), stat, true},
		{"killed", strings.Replace(status, "ShdPnd:\t0000000000000000", "ShdPnd:\t0000000000000100", 1), stat, true},
		{"killed by one thread", strings.Replace(status, "SigPnd:\t0000000000000000", "SigPnd:\t0000000000000100", 1), stat, true},
		{"SIGTERM is pending", strings.Replace(status, "ShdPnd:\t0000000000000000", "ShdPnd:\t0000000000004000", 1), stat, false},
		{"dead", strings.Replace(status, "S (sleeping)", "X (dead)", 1), stat, true},
		{"other signals are pending", strings.Replace(status, "SigPnd:\t0000000000000000", "SigPnd:\t0000000000000280", 1), stat, false},
		{"flags next to PF_EXITING", status, strings.Replace(stat, "4194560", "4194571", 1), false}, // 8, 2, 1
		{"flags that end the text", "", "7 (a) S 1 7 7 0 -1 4", true},
		{"a text that ends before the flags", "", "7 (a) S 1 7 7 0 -1", false},
		{"a text that ends before the flags, where 4 is another number", "", "7 (a) S 1 7 7 0 4", false},
		{"PF_EXITING", status, strings.Replace(stat, "4194560", "4194564", 1), true},
		{"nothing to read", "", "", false},
	} {
		if got := isExitingStatus(c.status, c.stat); got != c.want {
			t.Errorf("%s: %v", c.what, got)
		}
	}
	if currentOwner().isExiting() || (owner{}).isExiting() || (owner{1 << 30, "pid:[1]"}).isExiting() {
		t.Error("a process that lives, is unknown or in another namespace is exiting")
	}
}

// TestEmptyFilesRemoved: an empty file is removed, by its program or the next one; one with a
// record stays until it was returned.
func TestEmptyFilesRemoved(t *testing.T) {
	dir := t.TempDir()
	files := func() (names []string) {
		all, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			names = append(names, f.Name())
		}
		return names
	}
	first, second := open(t, dir, "eth0", 0), open(t, dir, "eth0", 0)
	first.Write(session)
	second.Write(session)
	first.Close()
	second.Close()
	if got := files(); len(got) != 2 {
		t.Errorf("after two crashes there are %v", got)
	}
	third := open(t, dir, "eth0", 2)
	if got := files(); len(got) != 1 || got[0] != "eth0.0.json" {
		t.Errorf("while a program has its slot there are %v", got)
	}
	third.Clear()
	third.Close()
	if got := files(); len(got) != 0 {
		t.Errorf("in the end there are %v", got)
	}
}

// TestLockRemovedFile: an open file that was removed is not taken for the slot: the next program
// would open another one of the same name.
func TestLockRemovedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "eth0.0.json")
	gone, err := lock(path)
	if err != nil || gone == nil {
		t.Fatal(err)
	}
	defer gone.Close()
	if !isAt(gone, path) {
		t.Error("a file is not recognized at its path")
	}
	os.Remove(path)
	if isAt(gone, path) {
		t.Error("a removed file is taken for the one at its path")
	}
	again, err := lock(path)
	if err != nil || again == nil || isAt(gone, path) {
		t.Errorf("the slot cannot be opened again: %v", err)
	}
	again.Close()
}
