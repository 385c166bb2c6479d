package pppdlog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"upppoe/internal/log/linequeue"
	"upppoe/pppoe"
)

// usualLine is room for most lines, in octets.
const usualLine = 256

// lines has memory for lines that are being made.
var lines = sync.Pool{New: func() any { return &madeLine{make([]byte, 0, usualLine)} }}

type madeLine struct{ text []byte }

func (el *EventLogger) info(l pppoe.SessionInfo, format string, args ...any) {
	el.line(slog.LevelInfo, l, format, args...)
}

func (el *EventLogger) warn(l pppoe.SessionInfo, format string, args ...any) {
	el.line(slog.LevelWarn, l, format, args...)
}

func (el *EventLogger) error(l pppoe.SessionInfo, format string, args ...any) {
	el.line(slog.LevelError, l, format, args...)
}

func (el *EventLogger) debug(l pppoe.SessionInfo, text string) {
	el.line(slog.LevelDebug, l, "%s", text)
}

// line logs a line. It calls the handler itself: slog.Logger would find out where the call is, which
// takes longer than the line. A line that is given to a Handler needs no memory of its own: tens of thousands
// of sessions log several at once.
func (el *EventLogger) line(level slog.Level, l pppoe.SessionInfo, format string, args ...any) {
	to, ctx := el.Log.Handler(), context.Background()
	if !to.Enabled(ctx, level) {
		return
	}
	made := lines.Get().(*madeLine)
	defer lines.Put(made)
	made.text = fmt.Appendf(el.appendPrefix(made.text[:0], l), format, args...)
	if h, ok := to.(*Handler); ok {
		made.text = append(made.text, '\n')
		h.put(linequeue.Line{Level: level, Text: made.text})
		return
	}
	to.Handle(ctx, slog.NewRecord(time.Now(), level, string(made.text), 0))
}

// appendPrefix identifies a server's session.
func (el *EventLogger) appendPrefix(b []byte, l pppoe.SessionInfo) []byte {
	switch {
	case !el.Server:
		return b
	case l.Device != "":
		return append(append(b, l.Device...), ": "...)
	case l.SessionID != 0:
		return fmt.Appendf(b, "session %d: ", l.SessionID)
	}
	return b
}
