package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openPTY returns a pseudo-terminal: what is written to the second is read from the first.
func openPTY(t *testing.T, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err == nil && columns > 0 {
		err = unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns})
	}
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// TestScreen: a line of progress moves below the log, and becomes a line of its own.
func TestScreen(t *testing.T) {
	master, slave := openPTY(t, 20)
	if !Is(slave) {
		t.Error("not a terminal")
	}
	s := NewScreen(slave)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	s.SetProgress("eth0: dialling")
	s.SetProgress("eth0: dialling") // the same
	s.Log(at, []byte("a warning\n"))
	s.SetProgress("eth0: a line that is too long for it")
	s.Finish("online, with a line that is longer than the terminal")
	s.Log(at, []byte("later\n"))
	s.Flush(10 * time.Second)
	slave.Close()
	text, _ := io.ReadAll(master) // ends with EIO
	want := "eth0: dialling|\r\x1b[K03:04:05.006 a warning\r\n|eth0: dialling|\r\x1b[Keth0: a line that i|" +
		"\r\x1b[Konline, with a line that is longer than the terminal\r\n|03:04:05.006 later\r\n"
	if got := string(text); got != strings.ReplaceAll(want, "|", "") {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// TestGone: a terminal that is gone costs nothing.
func TestGone(t *testing.T) {
	master, slave := openPTY(t, 0)
	defer slave.Close()
	s := NewScreen(slave)
	if s.width() != usualWidth {
		t.Errorf("the width is %d", s.width())
	}
	master.Close()
	for range 10 {
		s.SetProgress("a")
		s.SetProgress("b")
		s.Log(time.Now(), []byte("line\n"))
	}
	s.Finish("end")
	s.Flush(10 * time.Second)
}

// TestIs: files and pipes are no terminals.
func TestIs(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	_, slave := openPTY(t, 0)
	defer slave.Close()
	t.Setenv("TERM", "dumb")
	if Is(w) || CanMove(slave) {
		t.Error("a pipe is a terminal, or a dumb one can move its cursor")
	}
	t.Setenv("TERM", "xterm")
	if CanMove(w) || !CanMove(slave) {
		t.Error("a pipe can move its cursor, or a terminal cannot")
	}
}
