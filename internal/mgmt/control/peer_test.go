package control

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
)

// askAs sends the request status as another user, who has one supplementary group.
func askAs(t *testing.T, path string, user, group, extra int) (answer string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and no unlock: the thread ends with the goroutine
		groups := []uint32{uint32(extra)}
		for _, call := range [][4]uintptr{
			{unix.SYS_SETGROUPS, 1, uintptr(unsafe.Pointer(&groups[0])), 0},
			{unix.SYS_SETRESGID, uintptr(group), uintptr(group), uintptr(group)},
			{unix.SYS_SETRESUID, uintptr(user), uintptr(user), uintptr(user)},
		} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				err = errno
				return
			}
		}
		var fd int
		if fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0); err != nil {
			return
		}
		defer unix.Close(fd)
		if err = unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			return
		}
		unix.Write(fd, []byte("status\n")) // a refusal may come before
		buf := make([]byte, 1000)
		n, _ := unix.Read(fd, buf)
		answer = string(buf[:max(n, 0)])
	}()
	<-done
	return answer, err
}

// TestPeers: root and the members of the group may connect, by either kind of group; others may not,
// even if the socket's mode would let them.
func TestPeers(t *testing.T) {
	roottest.Need(t)
	const group, user, other = 54321, 65534, 54322
	dir, err := os.MkdirTemp("/tmp", "control")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "server.sock")
	s, err := Listen(Config{Path: path, Group: group, Handler: &fakeHandler{}, Log: NewLogRing()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const online = `{"state":"online"}` + "\n"
	for _, c := range []struct{ user, group, extra int }{{0, 0, 0}, {user, group, user}, {user, user, group}} {
		if got, err := askAs(t, path, c.user, c.group, c.extra); err != nil || got != online {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	if got, err := askAs(t, path, user, other, other); !errors.Is(err, unix.EACCES) {
		t.Errorf("another user: %q, %v; want that connecting is refused", got, err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := askAs(t, path, user, other, other); err != nil || !strings.Contains(got, "user 65534 may not control") {
		t.Errorf("another user, with access by the mode: %q, %v", got, err)
	}
}

// TestPathInUse: a socket at which a program listens is not replaced.
func TestPathInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sock")
	cfg := Config{Path: path, Handler: &fakeHandler{}, Log: NewLogRing()}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(cfg); !errors.Is(err, unix.EADDRINUSE) {
		t.Errorf("a second program: %v", err)
	}
	if all, err := Sockets(filepath.Dir(path), "serv*"); err != nil || len(all) != 1 || all[0] != path {
		t.Errorf("sockets %v, %v", all, err)
	}
	s.Close()
	if all, err := Sockets(filepath.Dir(path), "*"); err != nil || len(all) != 0 {
		t.Errorf("after the end: %v, %v", all, err)
	}
}

// TestOwnRequests: a program's own request gets its arguments, and its response ends with the function.
func TestOwnRequests(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sock")
	s, err := Listen(Config{Path: path, Handler: &fakeHandler{}, Log: NewLogRing(), Requests: map[string]func(*Call){
		"echo": func(c *Call) { fmt.Fprintf(c, "<%s>\n", c.Arguments) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for request, want := range map[string]string{"echo a  b": "<a  b>\n", "echo": "<>\n", "echoes": "unknown request \"echoes\"\n"} {
		var got bytes.Buffer
		if err := RequestAt(path, request, &got, time.Minute); err != nil || got.String() != want {
			t.Errorf("%s: %q, %v; want %q", request, got.String(), err, want)
		}
	}
}

// TestFollowersLeaveRoom: those who follow events or the log, and read nothing, keep nobody from
// sending requests.
func TestFollowersLeaveRoom(t *testing.T) {
	dir, s, _, _ := listen(t)
	defer s.Close()
	path := filepath.Join(dir, fmt.Sprintf("%d.sock", os.Getpid()))
	refused := 0
	for i := range 2 * maxConnections {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintln(conn, []string{"events", "follow"}[i%2])
		buf := make([]byte, 200)
		if i < maxStreams && i%2 == 0 || i >= maxStreams {
			n, _ := conn.Read(buf)
			if strings.Contains(string(buf[:n]), "follow events or the log already") {
				refused++
			}
		} else {
			for s.streams.Load() <= int32(i) {
				runtime.Gosched()
			}
		}
	}
	if want := 2*maxConnections - maxStreams; refused != want {
		t.Errorf("%d are refused, want %d", refused, want)
	}
	var got bytes.Buffer
	if err := Request(dir, os.Getpid(), "status", &got, time.Minute); err != nil || got.Len() == 0 {
		t.Errorf("another request: %q, %v", &got, err)
	}
}
