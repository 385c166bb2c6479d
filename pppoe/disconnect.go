package pppoe

import (
	"errors"
	"time"

	"upppoe/ppp/session"
)

// DisconnectMode is how Server.Disconnect ends a session.
type DisconnectMode uint8

// Modes.
const (
	// DisconnectSoft sends an LCP Terminate-Request, waits for the answer until LCP's timeout, and then
	// sends a PADT.
	DisconnectSoft DisconnectMode = iota
	// DisconnectHard sends a PADT and waits for nothing.
	DisconnectHard
)

// Disconnect ends a session. The reason's text is sent to the peer; one without a cause has
// session.CauseUserRequest. Disconnect returns when the first packet is sent; Notify reports the end.
// The error is ErrNoSession. It must not be called from Notify, because it waits for the session's
// loop.
func (s *Server) Disconnect(key SessionKey, how DisconnectMode, why session.Reason) error {
	if why.Cause == session.CauseUnknown {
		why.Cause = session.CauseUserRequest
	}
	return s.callSession(key, func(l *serverLoop, now time.Time, of *sessionState) {
		if how == DisconnectHard {
			l.loop.terminateSession(now, of, why)
		} else {
			l.loop.closeSession(now, of, why)
		}
	})
}

// ErrDraining is the reason for dropping or refusing requests of clients while the server drains.
var ErrDraining = errors.New("pppoe: the server drains: it opens no sessions")

// Drain begins to drain the server, or ends that: a draining server opens no session. PADIs get no
// answer, PADRs an error. Sessions that are open, or about to be, go on. It may be called at any
// time.
func (s *Server) Drain(on bool) { s.draining.Store(on) }

// Draining reports whether the server drains.
func (s *Server) Draining() bool { return s.draining.Load() }
