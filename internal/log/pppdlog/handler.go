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
	"upppoe/internal/log/terminal"
	"upppoe/internal/process/systemd"
)

// Handler is a slog.Handler that writes messages as plain lines, as in pppd's log. Slow readers do
// not block it: each has a queue. It may be used concurrently.
type Handler struct {
	debug        atomic.Bool
	mu           sync.Mutex
	destinations []destination
	file         *os.File // nil: none
}

// destination is a writer of lines.
type destination struct {
	writer any // for Remove
	write  func(linequeue.Line) error
	queue  *linequeue.Queue // nil: it never blocks, and is written to at once
	times  string           // layout of the time before each line; empty: none
}

var _ slog.Handler = (*Handler)(nil)

// NewHandler returns a handler with some writers; debug enables debug lines.
func NewHandler(debug bool, to ...io.Writer) *Handler {
	h := &Handler{}
	h.debug.Store(debug)
	for _, w := range to {
		h.Add(w)
	}
	return h
}

// SetDebug enables or disables debug lines.
func (h *Handler) SetDebug(debug bool) { h.debug.Store(debug) }

// Add adds a writer. It may block: lines wait in a queue meanwhile.
func (h *Handler) Add(w io.Writer) { h.AddTimed(w, "") }

// AddTimed is Add for lines that begin with the time in a layout of package time; empty: without.
func (h *Handler) AddTimed(w io.Writer, layout string) {
	h.add(w, writeTo(w), linequeue.NewJoining)
	h.setTimes(w, layout)
}

func (h *Handler) setTimes(w io.Writer, layout string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range h.destinations {
		if h.destinations[i].writer == any(w) {
			h.destinations[i].times = layout
		}
	}
}

// Show replaces a writer by a function, which must not block, for the lines that it chooses.
func (h *Handler) Show(w io.Writer, show func(level slog.Level, line []byte)) {
	h.Remove(w)
	h.add(w, func(l linequeue.Line) error { show(l.Level, l.Text); return nil }, nil)
}

// AddUnqueued adds a writer that never blocks: Handle has written to it when it returns.
func (h *Handler) AddUnqueued(w io.Writer) { h.add(w, writeTo(w), nil) }

// AddNotices adds a writer that never blocks, for lines that are not debug lines.
func (h *Handler) AddNotices(w io.Writer) {
	h.add(w, func(l linequeue.Line) error {
		if l.Level < slog.LevelInfo {
			return nil
		}
		_, err := w.Write(l.Text)
		return err
	}, nil)
}

// newQueue makes the queue of a writer.
type newQueue func(write func(linequeue.Line) error, report func(dropped int) linequeue.Line) *linequeue.Queue

func (h *Handler) add(of any, write func(linequeue.Line) error, queue newQueue) {
	d := destination{writer: of, write: write}
	if queue != nil {
		d.queue = queue(write, droppedReport)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.destinations = append(h.destinations, d)
}

// writeTo returns a function that writes lines unchanged.
func writeTo(w io.Writer) func(linequeue.Line) error {
	return func(l linequeue.Line) error {
		_, err := w.Write(l.Text)
		return err
	}
}

// droppedReport is the line that reports dropped ones.
func droppedReport(n int) linequeue.Line {
	return linequeue.Line{Level: slog.LevelWarn, Text: fmt.Appendf(nil, "%d lines of the log were dropped here: they could not be written in time\n", n)}
}

// TimeLayout is the layout of the time in logs other than those on a terminal.
const TimeLayout = "2006-01-02 15:04:05.000 "

// Target says where a program's log goes.
type Target struct {
	// File gets the lines, and then the terminal does not, as with pppd; empty: standard error does.
	File string
	// Times begins each line with the time, but not in the journal, which has it. On a terminal they always do.
	Times bool
	// Syslog is the tag with which lines go to syslog too, if the program leaves the terminal; empty: it does not.
	Syslog string
}

// Open returns the handler of a program.
func Open(debug bool, to Target) (*Handler, error) {
	h, layout := NewHandler(debug), ""
	if to.Times {
		layout = TimeLayout
	}
	if to.File == "" {
		h.AddTimed(os.Stderr, stderrTimes(layout))
		if to.Syslog != "" {
			h.Syslog(to.Syslog)
		}
		return h, nil
	}
	f, err := openFile(to.File)
	if err != nil {
		return nil, fmt.Errorf("logfile: %w", err)
	}
	h.AddTimed(f, layout)
	h.file = f
	return h, nil
}

// stderrTimes returns the layout of times on standard error.
func stderrTimes(layout string) string {
	switch {
	case terminal.Is(os.Stderr):
		return terminal.TimeLayout
	case systemd.IsJournal(os.Stderr):
		return ""
	}
	return layout
}

// openFile opens a log file, which it creates if necessary. A FIFO is opened for reading too
// (fifo(7)), so that it need not wait for a reader, which may come and go.
func openFile(name string) (*os.File, error) {
	how := os.O_WRONLY | os.O_APPEND | os.O_CREATE
	if info, err := os.Stat(name); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
		how = os.O_RDWR | unix.O_NONBLOCK
	}
	return os.OpenFile(name, how, 0o640)
}

// Close flushes, and closes the file. Handle must not be called afterwards.
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

// flushTimeout is how long readers have for the last lines.
const flushTimeout = time.Second

// Flush waits until all lines are written, for a second at most.
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

// Syslog adds syslog, if it is there.
func (h *Handler) Syslog(tag string) { h.dialSyslog("", "", tag) }

// dialSyslog connects to syslog; an empty network is the local one.
func (h *Handler) dialSyslog(network, address, tag string) error {
	w, err := syslog.Dial(network, address, syslog.LOG_DAEMON|syslog.LOG_INFO, tag)
	if err == nil {
		h.add(w, func(l linequeue.Line) error { return writeSyslog(w, l) }, linequeue.New)
	}
	return err
}

// Remove removes a writer, as when the program leaves its terminal. It waits until its lines are
// written, for a second at most.
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

// Has reports whether a writer was added.
func (h *Handler) Has(w io.Writer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.destinations, func(d destination) bool { return d.writer == any(w) })
}

// Enabled reports whether lines of a level are written: debug ones only if enabled.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.debug.Load()
}

// Handle writes or queues a line. An error of a log does not end a session: such lines are counted
// as dropped, and the error is nil.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	text := append(append(make([]byte, 0, len(r.Message)+1), r.Message...), '\n')
	h.put(linequeue.Line{Level: r.Level, Text: text})
	return nil
}

// put writes or queues a line.
func (h *Handler) put(line linequeue.Line) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, to := range h.destinations {
		timed := line
		if to.times != "" {
			timed.Text = append(time.Now().AppendFormat(nil, to.times), line.Text...)
		}
		if to.queue == nil {
			to.write(timed)
		} else {
			to.queue.Put(timed)
		}
	}
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

// WithAttrs returns the handler unchanged: lines have no attributes.
func (h *Handler) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup returns the handler unchanged.
func (h *Handler) WithGroup(string) slog.Handler { return h }
