package systemd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/process/passfd"
)

// manager is a socket in place of the service manager's.
func manager(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	m, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	m.SetReadDeadline(time.Now().Add(10 * time.Second))
	t.Setenv(socketEnv, path)
	return m
}

// receive returns a datagram, and the number of its descriptors.
func receive(t *testing.T, m *net.UnixConn) (text string, files int) {
	t.Helper()
	b := make([]byte, 1000)
	n, received, err := passfd.Receive(m, b)
	if err != nil {
		t.Fatal(err)
	}
	passfd.Close(received)
	return string(b[:n]), len(received)
}

// TestNotify: the state is sent in one datagram, to a path or an abstract address.
func TestNotify(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "notify"), "@upppoe-test-" + filepath.Base(t.TempDir()) + time.Now().Format(".000000000")} {
		m := manager(t, path)
		if err := Notify("READY=1", MainPID(17)); err != nil {
			t.Fatal(err)
		}
		if got, _ := receive(t, m); got != "READY=1\nMAINPID=17" {
			t.Errorf("%s: received %q", path, got)
		}
	}
	t.Setenv(socketEnv, filepath.Join(t.TempDir(), "none"))
	if err := Notify("READY=1"); err == nil || !IsManager() {
		t.Error("a nonexistent manager was notified")
	}
	t.Setenv(socketEnv, "")
	if err := Notify("READY=1"); err != nil || IsManager() {
		t.Errorf("without a manager: %v", err)
	}
}

// TestStoreFiles: descriptors take the place of those of the same name, as many as there are.
func TestStoreFiles(t *testing.T) {
	m := manager(t, filepath.Join(t.TempDir(), "notify"))
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { failed <- errors.Join(StoreFiles("tun/pppoe0", write, write), StoreFiles("tun/pppoe0", write)) }()
	for _, want := range []string{
		"FDSTOREREMOVE=1\nFDNAME=tun/pppoe0/0", "FDSTOREREMOVE=1\nFDNAME=tun/pppoe0/1", "FDSTORE=1\nFDNAME=tun/pppoe0/0", "FDSTORE=1\nFDNAME=tun/pppoe0/1",
		"FDSTOREREMOVE=1\nFDNAME=tun/pppoe0/0", "FDSTOREREMOVE=1\nFDNAME=tun/pppoe0/1", "FDSTORE=1\nFDNAME=tun/pppoe0/0",
	} {
		files := 0
		if strings.HasPrefix(want, "FDSTORE=") {
			files = 1
		}
		if text, fds := receive(t, m); text != want || fds != files {
			t.Errorf("received %q with %d descriptors, want %q with %d", text, fds, want, files)
		}
	}
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	write.Close()
	if _, err := io.ReadAll(read); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"", "a:b", "a b", "a\nREADY=1", string(make([]byte, 256))} {
		if StoreFiles(name, write) == nil || RemoveFiles(name) == nil {
			t.Errorf("%q is accepted as a name", name)
		}
	}
}

// TestListenFiles: descriptors are those of this process, with names as far as there are, and the
// environment of others has no trace of them.
func TestListenFiles(t *testing.T) {
	t.Setenv("LISTEN_FDS", "2")
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()+1))
	t.Setenv("LISTEN_FDNAMES", "a:b")
	if got := ListenFiles(); got != nil {
		t.Errorf("those of another process: %v", got)
	}
	if os.Getenv("LISTEN_FDS")+os.Getenv("LISTEN_PID")+os.Getenv("LISTEN_FDNAMES") != "" {
		t.Error("the environment still has them")
	}
	t.Setenv("LISTEN_FDS", "many")
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	if got := ListenFiles(); got != nil {
		t.Errorf("no number: %v", got)
	}
	var first [2]int
	if err := unix.Pipe(first[:]); err != nil {
		t.Fatal(err)
	}
	const from = 700
	for i, fd := range first {
		if err := unix.Dup2(fd, from+i); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
	got := filesFrom(from, 3, []string{"a"}) // the third is not open
	if len(got) != 2 || len(got["a"]) != 1 || len(got["unknown"]) != 1 {
		t.Fatalf("got %v", got)
	}
	defer got["a"][0].Close()
	if _, err := got["unknown"][0].WriteString("x"); err != nil {
		t.Error(err)
	}
	got["unknown"][0].Close()
	if text, err := io.ReadAll(got["a"][0]); err != nil || string(text) != "x" {
		t.Errorf("read %q, %v", text, err)
	}
}

// TestListenFilesInOrder: the manager passes files on in any order.
func TestListenFilesInOrder(t *testing.T) {
	const from = 720
	for i := range 3 {
		null, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Dup2(int(null.Fd()), from+i); err != nil {
			t.Fatal(err)
		}
		null.Close()
	}
	got := filesFrom(from, 3, []string{"eth0/10", "eth0/2", "x/y"})
	if len(got) != 2 || len(got["eth0"]) != 2 || len(got["x/y"]) != 1 || got["eth0"][0].Fd() != from+1 || got["eth0"][1].Fd() != from {
		t.Errorf("got %v", got)
	}
	if stored.count("eth0") != 11 {
		t.Errorf("%d numbers are known, want 11", stored.count("eth0"))
	}
	for _, files := range got {
		passfd.Close(files)
	}
}

// TestWatchdogInterval: it is half of the time that is this process's.
func TestWatchdogInterval(t *testing.T) {
	for _, c := range []struct {
		socket, usec, pid string
		want              time.Duration
	}{
		{"/run/n", "30000000", "", 15 * time.Second}, {"/run/n", "30000000", strconv.Itoa(os.Getpid()), 15 * time.Second},
		{"/run/n", "30000000", "1", 0}, {"", "30000000", "", 0}, {"/run/n", "", "", 0}, {"/run/n", "0", "", 0}, {"/run/n", "-3", "", 0},
		{"/run/n", "4000000000000000000", "", 12 * time.Hour},
	} {
		t.Setenv(socketEnv, c.socket)
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got := WatchdogInterval(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// TestWatchdog: the manager is notified while the service is alive, until the context ends.
func TestWatchdog(t *testing.T) {
	m := manager(t, filepath.Join(t.TempDir(), "notify"))
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		asked := 0
		go func() {
			Watchdog(ctx, time.Second, func() bool { asked++; return asked != 2 })
		}()
		time.Sleep(3500 * time.Millisecond) // virtual
		stop()
		synctest.Wait()
		if asked != 3 {
			t.Errorf("asked %d times whether it is alive, want 3", asked)
		}
	})
	for range 2 {
		if got, _ := receive(t, m); got != "WATCHDOG=1" {
			t.Errorf("received %q", got)
		}
	}
	m.SetReadDeadline(time.Unix(1, 0))
	if _, err := m.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("more than two: %v", err)
	}
}
