package control

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// socket creates a socket, at which the test listens or not.
func socket(t *testing.T, path string, listens bool) net.Listener {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if listens {
		t.Cleanup(func() { l.Close() })
	} else {
		l.Close()
	}
	return l
}

// TestPIDs: the IDs of programs that accept connections; the socket of a running program that does
// not listen yet stays, and a file whose name is not a number is ignored.
func TestPIDs(t *testing.T) {
	dir := t.TempDir()
	own := os.Getpid()
	for name, listens := range map[string]bool{"10.sock": true, "9.sock": true, "x.sock": true, fmt.Sprintf("%d.sock", own): false, "12.other": true} {
		socket(t, filepath.Join(dir, name), listens)
	}
	if pids, err := PIDs(dir); err != nil || !slices.Equal(pids, []int{9, 10}) {
		t.Errorf("programs %d, %v; want 9 and 10", pids, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, fmt.Sprintf("%d.sock", own))); err != nil {
		t.Errorf("the socket of a running program: %v", err)
	}
	if pids, err := PIDs(dir + "/none"); err != nil || len(pids) != 0 {
		t.Errorf("without a directory: %d, %v", pids, err)
	}
}

// TestRequestTimeout: a program that does not respond is given up; a missing socket is an error.
func TestRequestTimeout(t *testing.T) {
	dir := t.TempDir()
	socket(t, filepath.Join(dir, "9.sock"), true)
	for _, timeout := range []time.Duration{1, time.Millisecond} {
		var got bytes.Buffer
		if err := Request(dir, 9, "status", &got, timeout); !errors.Is(err, os.ErrDeadlineExceeded) || got.Len() > 0 {
			t.Errorf("timeout %v: %q, %v; want %v", timeout, &got, err, os.ErrDeadlineExceeded)
		}
	}
	if err := Request(dir, 10, "status", new(bytes.Buffer), time.Minute); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing socket: %v", err)
	}
}

// TestRequestLength: a request has at most 64 octets, newline included.
func TestRequestLength(t *testing.T) {
	dir, s, _, _ := listen(t)
	defer s.Close()
	for length, want := range map[int]string{63: fmt.Sprintf("unknown request %q\n", strings.Repeat("x", 63)), 64: ""} {
		var got bytes.Buffer
		if err := Request(dir, os.Getpid(), strings.Repeat("x", length), &got, time.Minute); err != nil || got.String() != want {
			t.Errorf("%d octets: %q, %v; want %q", length, &got, err, want)
		}
	}
}

// TestDroppedLines: what a log has where lines were dropped.
func TestDroppedLines(t *testing.T) {
	if got := string(droppedLines(7).Text); got != "7 lines of the log were dropped here: they were not read in time\n" {
		t.Errorf("%q", got)
	}
}

// TestListenAgain: a socket left by a program with our process ID is replaced, and removed with
// the server; a directory that cannot be created is an error.
func TestListenAgain(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))
	socket(t, path, false)
	s, err := Listen(dir, &fakeHandler{make(chan string, 1)}, NewLogRing())
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := Request(dir, os.Getpid(), "status", &got, time.Minute); err != nil || got.String() != `{"state":"online"}`+"\n" {
		t.Errorf("%q, %v", &got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("after the end the socket is there: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(filepath.Join(path, "in a file"), nil, NewLogRing()); err == nil {
		t.Error("a directory within a file")
	}
}
