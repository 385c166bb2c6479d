package pppdlog

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"log/syslog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"upppoe/internal/log/linequeue"
)

// Handler is a slog.Handler that writes messages as plain lines, as pppd's log has
// them. It does not wait for those who read them: each reader has a queue. It may be used
// concurrently.
type Handler struct {
	debug        atomic.Bool
	mu           sync.Mutex
	destinations []destination
	file         *os.File // nil: there is none
}

// destination is where lines go.
type destination struct {
	writer any // the writer, by which Drop finds it
	write  func(linequeue.Line) error
	queue  *linequeue.Queue // nil: it never blocks, and is written to at once
}

var _ slog.Handler = (*Handler)(nil)

// NewHandler makes a handler for some writers; debug lets debug lines through.
func NewHandler(debug bool, to ...io.Writer) *Handler {
	h := &Handler{}
	h.debug.Store(debug)
	for _, w := range to {
		h.Add(w)
	}
	return h
}

// SetDebug lets debug lines through, or no longer.
func (h *Handler) SetDebug(debug bool) { h.debug.Store(debug) }

// Add has lines go to another writer too. It may block: lines wait in a queue meanwhile.
func (h *Handler) Add(w io.Writer) { h.add(w, writeTo(w), true) }

// AddUnqueued has lines go to a writer that never blocks: Handle has written when it returns.
func (h *Handler) AddUnqueued(w io.Writer) { h.add(w, writeTo(w), false) }

func (h *Handler) add(of any, write func(linequeue.Line) error, queued bool) {
	d := destination{writer: of, write: write}
	if queued {
		d.queue = linequeue.New(write, droppedReport)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.destinations = append(h.destinations, d)
}

// writeTo writes lines as they are.
func writeTo(w io.Writer) func(linequeue.Line) error {
	return func(l linequeue.Line) error {
		_, err := w.Write(l.Text)
		return err
	}
}

// droppedReport says that there were lines that nobody has read in time.
func droppedReport(n int) linequeue.Line {
	return linequeue.Line{Level: slog.LevelWarn, Text: fmt.Appendf(nil, "%d lines of the log were dropped here: they could not be written in time\n", n)}
}

// Open makes the handler of a program. Lines go to a file if one is named, and then not to
// the terminal, as with pppd; or else to standard error while there is somebody to read it and,
// where the terminal will be left, to the system's log, under a tag.
func Open(debug bool, file, tag string, leaves bool) (*Handler, error) {
	if file == "" {
		h := NewHandler(debug, os.Stderr)
		if leaves {
			h.Syslog(tag)
		}
		return h, nil
	}
	f, err := openFile(file)
	if err != nil {
		return nil, fmt.Errorf("logfile: %w", err)
	}
	h := NewHandler(debug, f)
	h.file = f
	return h, nil
}

// openFile opens the file of a log, which it makes if there is none. A FIFO is opened for reading
// too (fifo(7)): then opening it does not wait for a reader, which may come and go.
func openFile(name string) (*os.File, error) {
	how := os.O_WRONLY | os.O_APPEND | os.O_CREATE
	if info, err := os.Stat(name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		how = os.O_RDWR | unix.O_NONBLOCK
	}
	return os.OpenFile(name, how, 0o640)
}

// Close writes what is left, as far as that is read soon, and closes the file. There must be
// no more lines then.
func (h *Handler) Close() error {
	h.Flush()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.destinations = nil
	if h.file == nil {
		return nil
	}
	return h.file.Close()
}

// flushTimeout is how long readers have to take the last lines.
const flushTimeout = time.Second

// Flush waits until all is written so far, for a second at most.
func (h *Handler) Flush() {
	h.mu.Lock()
	to := slices.Clone(h.destinations)
	h.mu.Unlock()
	until := time.Now().Add(flushTimeout)
	for _, d := range to {
		if d.queue != nil {
			d.queue.Flush(time.Until(until))
		}
	}
}

// Syslog has lines go to the system's log too, if there is one.
func (h *Handler) Syslog(tag string) { h.dialSyslog("", "", tag) }

// dialSyslog reaches the system's log; an empty network is where systems have it.
func (h *Handler) dialSyslog(network, address, tag string) error {
	w, err := syslog.Dial(network, address, syslog.LOG_DAEMON|syslog.LOG_INFO, tag)
	if err == nil {
		h.add(w, func(l linequeue.Line) error { return writeSyslog(w, l) }, true)
	}
	return err
}

// Remove takes a writer out: a terminal that the program leaves. What it was to get is
// written before, unless that takes longer than a second.
func (h *Handler) Remove(w io.Writer) {
	h.mu.Lock()
	var out *linequeue.Queue
	h.destinations = slices.DeleteFunc(h.destinations, func(d destination) bool {
		if d.writer != any(w) {
			return false
		}
		out = d.queue
		return true
	})
	h.mu.Unlock()
	if out != nil {
		out.Flush(flushTimeout)
	}
}

// Has reports whether lines go to a writer.
func (h *Handler) Has(w io.Writer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.destinations, func(d destination) bool { return d.writer == any(w) })
}

// Enabled leaves out debug lines unless they are wanted.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.debug.Load()
}

// Handle takes a line. A log that cannot be written to is no reason to end a session: lines
// are counted then, and the error is nil.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	line := linequeue.Line{Level: r.Level, Text: []byte(r.Message + "\n")}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, to := range h.destinations {
		if to.queue == nil {
			to.write(line)
		} else {
			to.queue.Put(line)
		}
	}
	return nil
}

func writeSyslog(w *syslog.Writer, l linequeue.Line) error {
	text := string(l.Text)
	switch {
	case l.Level >= slog.LevelError:
		return w.Err(text)
	case l.Level >= slog.LevelWarn:
		return w.Warning(text)
	case l.Level >= slog.LevelInfo:
		return w.Info(text)
	}
	return w.Debug(text)
}

// WithAttrs and WithGroup change nothing: lines have no attributes.
func (h *Handler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup changes nothing.
func (h *Handler) WithGroup(string) slog.Handler { return h }
