package pppdlog

import (
	"fmt"

	"upppoe/pppoe"
)

func (el *EventLogger) info(l pppoe.SessionInfo, format string, args ...any) {
	el.Log.Info(el.prefix(l) + fmt.Sprintf(format, args...))
}

func (el *EventLogger) warn(l pppoe.SessionInfo, format string, args ...any) {
	el.Log.Warn(el.prefix(l) + fmt.Sprintf(format, args...))
}

func (el *EventLogger) error(l pppoe.SessionInfo, format string, args ...any) {
	el.Log.Error(el.prefix(l) + fmt.Sprintf(format, args...))
}

func (el *EventLogger) debug(l pppoe.SessionInfo, text string) { el.Log.Debug(el.prefix(l) + text) }

// prefix identifies a server's session.
func (el *EventLogger) prefix(l pppoe.SessionInfo) string {
	switch {
	case !el.Server:
		return ""
	case l.Device != "":
		return l.Device + ": "
	case l.SessionID != 0:
		return fmt.Sprintf("session %d: ", l.SessionID)
	}
	return ""
}
