package passfd

import (
	"io"
	"net"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// pair returns the two ends of a socket.
func pair(t *testing.T) (ends [2]*net.UnixConn) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "pair")
		conn, err := net.FileConn(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = conn.(*net.UnixConn)
		t.Cleanup(func() { conn.Close() })
	}
	return ends
}

// TestSendReceive: as many files as a message may have arrive, are those that were sent, and are closed in
// programs that this one starts.
func TestSendReceive(t *testing.T) {
	ends := pair(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*os.File, MaxFiles)
	for i := range all {
		all[i] = write
	}
	if err := Send(ends[0], []byte("files"), all...); err != nil {
		t.Fatal(err)
	}
	write.Close()
	b := make([]byte, 100)
	n, files, err := Receive(ends[1], b)
	if err != nil || string(b[:n]) != "files" || len(files) != MaxFiles {
		t.Fatalf("%q with %d files, %v", b[:n], len(files), err)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		if flags, err := unix.FcntlInt(fd, unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("flags %x, %v", flags, err)
		}
	})
	files[MaxFiles-1].WriteString("same")
	Close(files)
	if text, err := io.ReadAll(read); err != nil || string(text) != "same" {
		t.Errorf("read %q, %v", text, err)
	}
	ends[0].Close()
	if n, files, err := Receive(ends[1], b); n != 0 || files != nil || err != io.EOF {
		t.Errorf("after the end: %d, %v, %v", n, files, err)
	}
}

// TestErrors: a message that does not fit is an error and leaves no file open, and a closed file is not
// sent.
func TestErrors(t *testing.T) {
	ends := pair(t)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := Send(ends[0], make([]byte, 101), write); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Receive(ends[1], make([]byte, 100)); err != ErrTruncated {
		t.Errorf("too long: %v", err)
	}
	write.Close()
	if _, err := io.ReadAll(read); err != nil {
		t.Error(err)
	}
	if err := Send(ends[0], []byte("x"), write); err == nil {
		t.Errorf("closed: %v", err)
	}
	if _, err := Duplicate(write, "closed"); err == nil {
		t.Errorf("closed: %v", err)
	}
}
