package control

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
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

// TestStaleSocket: PIDs removes the socket of a program that was killed.
func TestStaleSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "4194303.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if pids, err := PIDs(dir); err != nil || len(pids) != 0 {
		t.Errorf("programs %v, %v", pids, err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}
