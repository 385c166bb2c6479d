package session

import (
	"time"

	"upppoe/ppp"
)

// Phase is a phase of a link (RFC 1661 section 3.2).
type Phase uint8

// Phases.
const (
	PhaseDead Phase = iota
	PhaseEstablish
	PhaseAuthenticate
	PhaseNetwork
	PhaseTerminate
)

// String returns the phase's name in RFC 1661.
func (p Phase) String() string {
	return [...]string{"Dead", "Establish", "Authenticate", "Network", "Terminate"}[p]
}

// updatePhase is the only place that changes the phase. It moves to the phase that
// follows from the states of LCP and authentication.
func (s *Session) updatePhase(now time.Time, out *Output) {
	s.checkLink(now, out)
	for next := s.nextPhase(); next != s.phase; next = s.nextPhase() {
		s.leavePhase(now, out)
		s.phase = next
		s.enterPhase(now, out)
	}
	if s.phase == PhaseNetwork {
		s.updateLayers(now, out)
	}
}

// nextPhase returns the phase that the session should be in (RFC 1661 section 3.2).
func (s *Session) nextPhase() Phase {
	switch s.link.State() {
	case ppp.Initial, ppp.Starting, ppp.Closed, ppp.Stopped:
		return PhaseDead
	case ppp.Closing, ppp.Stopping:
		return PhaseTerminate
	case ppp.Opened:
		if s.phase == PhaseNetwork || s.phase == PhaseAuthenticate && s.authenticated() {
			return PhaseNetwork
		}
		return PhaseAuthenticate
	}
	return PhaseEstablish
}

// leavePhase ends what belongs to the phase. Network protocols do not survive the link's
// renegotiation (RFC 1661 section 3.4), and authentication does not either.
func (s *Session) leavePhase(now time.Time, out *Output) {
	if s.phase == PhaseNetwork {
		s.lowerLayers(now, out)
	}
}

func (s *Session) enterPhase(now time.Time, out *Output) {
	s.setSetupDeadline(now)
	switch s.phase {
	case PhaseAuthenticate:
		out.emit(LinkUp{MRU: s.link.MRU(), PeerMRU: s.link.PeerMRU()})
		s.startAuth(now, out)
	case PhaseNetwork:
		out.emit(NetworkPhase{})
		s.countUp(now)
		s.openLayers(now, out)
	case PhaseEstablish, PhaseTerminate:
		s.auth = authentication{}
	case PhaseDead:
		s.auth = authentication{}
		s.setReason(s.orUnsupportedMethod(Reason{CauseNotNegotiated, "LCP: timeout sending Config-Requests"}, out), out)
		s.end(out)
	}
}

// setSetupDeadline bounds the time to the network phase, beginning with the first
// phase on the way to it.
func (s *Session) setSetupDeadline(now time.Time) {
	switch s.phase {
	case PhaseEstablish, PhaseAuthenticate:
		if s.setupDeadline == nil && s.cfg.SetupTimeout > 0 {
			deadline := now.Add(s.cfg.SetupTimeout)
			s.setupDeadline = &deadline
		}
	default:
		s.setupDeadline = nil
	}
}

// setupTimedOut closes a session that has not reached the network phase in time.
func (s *Session) setupTimedOut(now time.Time, out *Output) {
	s.setupDeadline = nil
	if s.auth.authenticator != nil && !s.auth.peerAuthenticated {
		s.closeFor(now, CausePeerNotAuthenticated, "Authentication takes too long", out)
		return
	}
	s.closeFor(now, CauseNotNegotiated, "LCP: negotiation takes too long", out)
}

// checkLink closes a link that LCP has found to be looped, dead, or refused by the peer.
func (s *Session) checkLink(now time.Time, out *Output) {
	if s.link.State() <= ppp.Stopping {
		return
	}
	if limit := s.link.TakePathLimit(); limit != nil {
		out.emit(PathLimited{PathLimit: *limit})
	}
	switch {
	case s.link.Looped():
		s.closeFor(now, CauseLooped, "looped link", out)
	case s.link.Dead():
		out.emit(EchoTimeout{Requests: s.link.Unanswered()})
		s.closeFor(now, CausePeerDead, "Peer not responding", out)
		s.link.Down(now) // a dead peer sends no Terminate-Ack: do not wait for it
	case s.link.AuthRefused():
		s.closeFor(now, CausePeerNotAuthenticated, RefusedToAuthenticate, out)
	}
}

// closeFor begins to close the link. Its callers run within updatePhase, or call it
// afterwards.
func (s *Session) closeFor(now time.Time, cause Cause, text string, out *Output) {
	s.closeLink(now, s.orUnsupportedMethod(Reason{cause, text}, out), out)
}
