package pppdlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/linequeue"
)

// all logs a line of each level.
func all(h slog.Handler) {
	log := slog.New(h)
	log.Debug("a debug line", "attribute", 1)
	log.Info("an info line")
	log.Warn("a warning")
	log.WithGroup("g").With("a", 1).Error("an error", "attribute", 1)
	h.(*Handler).Flush()
}

// TestLevels: debug lines are written if enabled. Lines have no attributes, like pppd's.
func TestLevels(t *testing.T) {
	const rest = "an info line\na warning\nan error\n"
	for debug, want := range map[bool]string{false: rest, true: "a debug line\n" + rest} {
		var one, other bytes.Buffer
		h := NewHandler(debug, &one, &other)
		all(h)
		if one.String() != want || other.String() != want {
			t.Errorf("debug %v: the log is %q and %q, want %q", debug, &one, &other, want)
		}
	}
}

func TestRemovedWriter(t *testing.T) {
	var terminal, file bytes.Buffer
	h := NewHandler(false, &terminal, &file)
	log := slog.New(h)
	log.Info("before")
	h.Remove(&terminal)
	h.Remove(&terminal)
	log.Info("after")
	h.Flush()
	if terminal.String() != "before\n" || file.String() != "before\nafter\n" {
		t.Errorf("the terminal has %q, the file %q", &terminal, &file)
	}
}

// TestConcurrent: lines stay whole.
func TestConcurrent(t *testing.T) {
	var b bytes.Buffer
	h := NewHandler(false, &b)
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 100 {
				slog.New(h).Info("a line")
			}
		})
	}
	g.Wait()
	h.Flush()
	if want := strings.Repeat("a line\n", 800); b.String() != want {
		t.Errorf("the log is no %d lines", 800)
	}
}

// TestLogFile: a named file gets lines after its existing ones; standard error gets none, as with
// pppd.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr := standardError(t)
	for _, leaves := range []bool{true, false} {
		h, err := Open(true, Target{File: path, Syslog: map[bool]string{true: "test"}[leaves]})
		if err != nil {
			t.Fatal(err)
		}
		if h.Has(os.Stderr) {
			t.Error("the terminal is said to have the log, too")
		}
		slog.New(h).Debug("one")
		h.Remove(os.Stderr)
		slog.New(h).Info("two")
		if err := h.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		slog.New(h).Info("after the end")
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "before\none\ntwo\none\ntwo\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if text, err := os.ReadFile(stderr); err != nil || len(text) > 0 {
		t.Errorf("standard error is %q, %v", text, err)
	}
}

// TestStalledReader: a pipe that is not read blocks no line, and the program's end no longer than
// a second; other writers get their lines, and the number of dropped ones is reported when it is
// read again.
func TestStalledReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe, to := io.Pipe()
		var other bytes.Buffer
		h := NewHandler(false, to, &other)
		log, began := slog.New(h), time.Now()
		const more = 10
		for range linequeue.MaxLines + 1 + more { // one line is being written
			log.Info("a line")
			synctest.Wait()
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("a reader that stands still is waited for: %v", took)
		}
		h.Remove(io.Discard) // a writer that was not added
		h.Flush()
		if took := time.Since(began); took != flushTimeout {
			t.Errorf("flushing takes %v, want %v", took, flushTimeout)
		}
		if n := strings.Count(other.String(), "a line\n"); n != linequeue.MaxLines+1+more {
			t.Errorf("another reader has %d lines", n)
		}
		var got bytes.Buffer
		done := make(chan struct{})
		go func() { io.Copy(&got, pipe); close(done) }()
		h.Flush()
		to.Close()
		<-done
		want := strings.Repeat("a line\n", linequeue.MaxLines+1) + "10 lines of the log were dropped here: they could not be written in time\n"
		if got.String() != want {
			t.Errorf("a reader that reads again has %d octets, want %d; they end with %q", got.Len(), len(want), got.String()[max(0, got.Len()-100):])
		}
	})
}

// TestLostReader: a pipe whose reader is gone does not end the program.
func TestLostReader(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	var other bytes.Buffer
	h := NewHandler(false, w, &other)
	for range 3 {
		slog.New(h).Info("a line")
	}
	h.Flush()
	if other.String() != "a line\na line\na line\n" {
		t.Errorf("the other reader has %q", &other)
	}
}

// TestUnqueuedWriter: a writer that never blocks has each line when Handle returns.
func TestUnqueuedWriter(t *testing.T) {
	var b bytes.Buffer
	h := NewHandler(false)
	h.AddUnqueued(&b)
	slog.New(h).Info("a line")
	if b.String() != "a line\n" {
		t.Errorf("the memory has %q", &b)
	}
}

func TestLogFileIsCreated(t *testing.T) {
	standardError(t)
	path := filepath.Join(t.TempDir(), "log")
	h, err := Open(false, Target{File: path})
	if err != nil {
		t.Fatal(err)
	}
	h.Close()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode().Perm()&0o027 != 0 {
		t.Errorf("%v: others may read or write it", stat.Mode())
	}
	_, err = Open(false, Target{File: filepath.Join(path, "no", "such")})
	if err == nil || !strings.HasPrefix(err.Error(), "logfile: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that cannot be: %v; want the option and the path named", err)
	}
}

func TestNoLogFile(t *testing.T) {
	stderr := standardError(t)
	h, err := Open(false, Target{File: ""})
	if err != nil || len(h.destinations) != 1 || !h.Has(os.Stderr) {
		t.Fatalf("%v, the log goes to %v: want standard error alone while the terminal stays", err, h.destinations)
	}
	all(h)
	if err := h.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if text, err := os.ReadFile(stderr); err != nil || string(text) != "an info line\na warning\nan error\n" {
		t.Errorf("standard error is %q, %v", text, err)
	}
}

// TestSyslog: lines have the severities of their levels: RFC 5424's 3, 4, 6 and 7 of facility 3,
// daemon.
func TestSyslog(t *testing.T) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	h := NewHandler(true)
	if err := h.dialSyslog("unixgram", socket.LocalAddr().String(), "pppoe-test"); err != nil {
		t.Fatal(err)
	}
	all(h)
	for _, want := range []struct{ priority, text string }{
		{"<31>", "a debug line"}, {"<30>", "an info line"}, {"<28>", "a warning"}, {"<27>", "an error"},
	} {
		b := make([]byte, 1000)
		n, err := socket.Read(b)
		if line := string(b[:n]); err != nil || !strings.HasPrefix(line, want.priority) ||
			!strings.Contains(line, "pppoe-test[") || !strings.HasSuffix(strings.TrimSpace(line), ": "+want.text) {
			t.Errorf("the system's log gets %q, %v; want %s... %s", line, err, want.priority, want.text)
		}
	}
	if err := NewHandler(true).dialSyslog("unixgram", "/no/such/socket", "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no system's log: %v", err)
	}
}

// standardError redirects standard error to a file while a test runs.
func standardError(t *testing.T) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = f
	t.Cleanup(func() { os.Stderr = before; f.Close() })
	return f.Name()
}

// TestLogFIFO: a FIFO without a reader, or whose reader is gone, blocks nothing; a reader gets
// what fits into it.
func TestLogFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := Open(false, Target{File: path})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1000)
	for range 200 {
		slog.New(h).Info(long)
	}
	r, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, len(long)+1)
	if _, err := io.ReadFull(r, first); err != nil || string(first) != long+"\n" {
		t.Errorf("the first line is %.20q..., %v", first, err)
	}
	r.Close()
	slog.New(h).Info("after the reader")
	if err := h.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}

// TestTimes: lines begin with the time where that is wanted, and others get them as they are.
func TestTimes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	h, err := Open(false, Target{File: path, Times: true})
	if err != nil {
		t.Fatal(err)
	}
	var plain, shown strings.Builder
	h.AddUnqueued(&plain)
	h.Add(&shown)
	h.Show(&shown, func(level slog.Level, line []byte) { fmt.Fprintf(&shown, "%v %s", level, line) })
	slog.New(h).Warn("local  IP address 192.0.2.10")
	h.Close()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSuffix(string(text), "local  IP address 192.0.2.10\n")
	if _, err := time.Parse(TimeLayout, line); err != nil || plain.String() != "local  IP address 192.0.2.10\n" || shown.String() != "WARN local  IP address 192.0.2.10\n" {
		t.Errorf("%q, %q, %q: %v", text, plain.String(), shown.String(), err)
	}
}
