package journal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"log/syslog"
	"os"
	"sync"
	"sync/atomic"
)

// Lines is a slog.Handler that writes messages as plain lines, as pppd's log has
// them. It may be used concurrently.
type Lines struct {
	debug  atomic.Bool
	mu     sync.Mutex
	to     []io.Writer
	system *syslog.Writer
}

var _ slog.Handler = (*Lines)(nil)

// NewLines makes a handler for some writers; debug lets debug lines through.
func NewLines(debug bool, to ...io.Writer) *Lines {
	h := &Lines{to: to}
	h.debug.Store(debug)
	return h
}

// SetDebug lets debug lines through, or no longer.
func (h *Lines) SetDebug(debug bool) { h.debug.Store(debug) }

// Add has lines go to another writer too.
func (h *Lines) Add(w io.Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.to = append(h.to, w)
}

// Open makes the handler of a program: lines go to standard error while there is
// somebody to read it, and to a file if one is named, or else, where the terminal
// will be left, to the system's log. The function it returns closes the file.
func Open(debug bool, file, tag string, leaves bool) (*Lines, func() error, error) {
	if file == "" {
		h := NewLines(debug, os.Stderr)
		if leaves {
			h.Syslog(tag)
		}
		return h, func() error { return nil }, nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
	if err != nil {
		return nil, nil, fmt.Errorf("logfile: %w", err)
	}
	return NewLines(debug, os.Stderr, f), f.Close, nil
}

// Syslog has lines go to the system's log too, if there is one.
func (h *Lines) Syslog(tag string) { h.dial("", "", tag) }

// dial reaches the system's log; an empty network is where systems have it.
func (h *Lines) dial(network, address, tag string) error {
	w, err := syslog.Dial(network, address, syslog.LOG_DAEMON|syslog.LOG_INFO, tag)
	if err == nil {
		h.system = w
	}
	return err
}

// Drop takes a writer out: a terminal that the program leaves.
func (h *Lines) Drop(w io.Writer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.to[:0]
	for _, to := range h.to {
		if to != w {
			kept = append(kept, to)
		}
	}
	h.to = kept
}

// Enabled leaves out debug lines unless they are wanted.
func (h *Lines) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.debug.Load()
}

// Handle writes a line. A log that cannot be written to is no reason to end a
// session: errors are not told.
func (h *Lines) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := []byte(r.Message + "\n")
	for _, to := range h.to {
		to.Write(line)
	}
	if h.system != nil {
		h.toSystem(r)
	}
	return nil
}

func (h *Lines) toSystem(r slog.Record) {
	switch {
	case r.Level >= slog.LevelError:
		h.system.Err(r.Message)
	case r.Level >= slog.LevelWarn:
		h.system.Warning(r.Message)
	case r.Level >= slog.LevelInfo:
		h.system.Info(r.Message)
	default:
		h.system.Debug(r.Message)
	}
}

// WithAttrs and WithGroup change nothing: lines have no attributes.
func (h *Lines) WithAttrs([]slog.Attr) slog.Handler { return h }

// WithGroup changes nothing.
func (h *Lines) WithGroup(string) slog.Handler { return h }
