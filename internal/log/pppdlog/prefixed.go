package pppdlog

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"upppoe/internal/log/linequeue"
	"upppoe/pppoe"
)

// usualLine is room for most lines, in octets.
const usualLine = 128

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
// takes longer than the line. A line that is given to a Handler is not copied: tens of thousands of sessions
// log several at once.
func (el *EventLogger) line(level slog.Level, l pppoe.SessionInfo, format string, args ...any) {
	to, ctx := el.Log.Handler(), context.Background()
	if to.Enabled(ctx, level) {
		text := fmt.Appendf(el.appendPrefix(make([]byte, 0, usualLine), l), format, args...)
		if h, ok := to.(*Handler); ok {
			h.put(linequeue.Line{Level: level, Text: append(text, '\n')})
			return
		}
		to.Handle(ctx, slog.NewRecord(time.Now(), level, string(text), 0))
	}
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
