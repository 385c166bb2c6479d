package journal

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// all logs a line of each level.
func all(h slog.Handler) {
	log := slog.New(h)
	log.Debug("a debug line", "attribute", 1)
	log.Info("an info line")
	log.Warn("a warning")
	log.WithGroup("g").With("a", 1).Error("an error", "attribute", 1)
}

// TestLevels: debug lines are for those who want them. Lines have no attributes, which
// pppd's have not either.
func TestLevels(t *testing.T) {
	const rest = "an info line\na warning\nan error\n"
	for debug, want := range map[bool]string{false: rest, true: "a debug line\n" + rest} {
		var one, other bytes.Buffer
		h := NewLines(debug, &one, &other)
		all(h)
		if one.String() != want || other.String() != want {
			t.Errorf("debug %v: the log is %q and %q, want %q", debug, &one, &other, want)
		}
	}
}

func TestDroppedWriterGetsNoMore(t *testing.T) {
	var terminal, file bytes.Buffer
	h := NewLines(false, &terminal, &file)
	log := slog.New(h)
	log.Info("before")
	h.Drop(&terminal)
	h.Drop(&terminal)
	log.Info("after")
	if terminal.String() != "before\n" || file.String() != "before\nafter\n" {
		t.Errorf("the terminal has %q, the file %q", &terminal, &file)
	}
}

// TestConcurrent: lines stay whole.
func TestConcurrent(t *testing.T) {
	var b bytes.Buffer
	h := NewLines(false, &b)
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 100 {
				slog.New(h).Info("a line")
			}
		})
	}
	g.Wait()
	if want := strings.Repeat("a line\n", 800); b.String() != want {
		t.Errorf("the log is no %d lines", 800)
	}
}

// TestLogFile: a file that is named gets lines after those it has, and standard error has
// them too while somebody reads it.
func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stderr := standardError(t)
	h, done, err := Open(true, path, "test", true)
	if err != nil {
		t.Fatal(err)
	}
	slog.New(h).Debug("one")
	h.Drop(os.Stderr)
	slog.New(h).Info("two")
	if err := done(); err != nil {
		t.Errorf("closing: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "before\none\ntwo\n" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if text, err := os.ReadFile(stderr); err != nil || string(text) != "one\n" {
		t.Errorf("standard error is %q, %v", text, err)
	}
}

func TestLogFileIsMade(t *testing.T) {
	standardError(t)
	path := filepath.Join(t.TempDir(), "log")
	_, done, err := Open(false, path, "test", false)
	if err != nil {
		t.Fatal(err)
	}
	done()
	stat, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if stat.Mode().Perm()&0o027 != 0 {
		t.Errorf("%v: others may read or write it", stat.Mode())
	}
	_, _, err = Open(false, filepath.Join(path, "no", "such"), "test", false)
	if err == nil || !strings.HasPrefix(err.Error(), "logfile: ") || !strings.Contains(err.Error(), path) {
		t.Errorf("a file that cannot be: %v; want the option and the path named", err)
	}
}

func TestNoLogFile(t *testing.T) {
	stderr := standardError(t)
	h, done, err := Open(false, "", "test", false)
	if err != nil || h.system != nil {
		t.Fatalf("%v, system's log %v: want none while the terminal stays", err, h.system)
	}
	all(h)
	if err := done(); err != nil {
		t.Errorf("closing: %v", err)
	}
	if text, err := os.ReadFile(stderr); err != nil || string(text) != "an info line\na warning\nan error\n" {
		t.Errorf("standard error is %q, %v", text, err)
	}
}

// TestSystemLog: lines go to the system's log with its own levels: RFC 5424's severities
// 3, 4, 6 and 7 of facility 3, which is daemon's.
func TestSystemLog(t *testing.T) {
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	h := NewLines(true)
	if err := h.dial("unixgram", socket.LocalAddr().String(), "pppoe-test"); err != nil {
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
	if err := NewLines(true).dial("unixgram", "/no/such/socket", "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no system's log: %v", err)
	}
}

// standardError has standard error be a file while a test runs.
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
