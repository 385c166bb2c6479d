package pppoe

import (
	"time"

	"upppoe/ppp/session"
)

// FailNetwork ends a session whose part of the host's network has failed later than the call that was
// to set it, as a route that PrefixRouter has queued: its peer gets a Terminate-Request, and Notify
// HostNetworkFailed with the error. The result is ErrNoSession if the session is not open. It must
// not be called from Notify, because it waits for the session's loop.
func (s *Server) FailNetwork(session SessionKey, err error) error {
	return s.callSession(session, func(l *serverLoop, now time.Time, of *sessionState) { l.loop.networkFailure(now, of, err) })
}

// networkFailure ends a session whose part of the host's network could not be configured. An adopted one had
// it until now.
func (l *loop) networkFailure(now time.Time, s *sessionState, err error) {
	if s.isBeingAdopted() {
		s.configured = configuredBy(s.desiredAddressing())
		l.announceAdopted(now, s)
	}
	if s.networkFailed || s.endReason != nil {
		return
	}
	s.networkFailed = true
	l.emit(now, s, HostNetworkFailed{Err: err})
	l.closeSession(now, s, session.Reason{Cause: session.CauseNetworkConfigFailed, Text: "no network device"})
}
