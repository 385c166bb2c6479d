package session

import (
	"time"

	"upppoe/ppp"
)

// settle is the only place that moves the phase: it compares the phase with
// what LCP and authentication have come to, until they agree.
func (s *Session) settle(now time.Time, out *Output) {
	s.watchLink(now, out)
	for next := s.due(); next != s.phase; next = s.due() {
		s.leave(now, out)
		s.phase = next
		s.enter(now, out)
	}
	if s.phase == Network {
		s.settleLayers(now, out)
	}
}

// due is the phase that the session should be in (RFC 1661 section 3.2).
func (s *Session) due() Phase {
	switch s.link.State() {
	case ppp.Initial, ppp.Starting, ppp.Closed, ppp.Stopped:
		return Dead
	case ppp.Closing, ppp.Stopping:
		return Terminate
	case ppp.Opened:
		if s.phase == Network || s.phase == Authenticate && s.auth.done() {
			return Network
		}
		return Authenticate
	}
	return Establish
}

// leave undoes what a phase has set up. Network protocols do not survive the
// link's renegotiation (RFC 1661 section 3.4), nor does who we are.
func (s *Session) leave(now time.Time, out *Output) {
	if s.phase == Network {
		s.lowerLayers(now, out)
	}
}

func (s *Session) enter(now time.Time, out *Output) {
	s.timeAdmission(now)
	switch s.phase {
	case Authenticate:
		out.emit(LinkUp{MRU: s.link.MRU(), PeerMRU: s.link.PeerMRU()})
		s.beginAuth(now, out)
	case Network:
		out.emit(NetworkPhase{})
		s.countUp(now)
		s.openLayers(now, out)
	case Establish, Terminate:
		s.auth = authentication{}
	case Dead:
		s.auth = authentication{}
		s.blame(s.orMethod(Reason{NotNegotiated, "LCP: timeout sending Config-Requests"}, out), out)
		s.end(out)
	}
}

// timeAdmission bounds the way to the network phase, from its first step on.
func (s *Session) timeAdmission(now time.Time) {
	switch s.phase {
	case Establish, Authenticate:
		if s.admitBy.IsZero() && s.cfg.SetupTimeout > 0 {
			s.admitBy = now.Add(s.cfg.SetupTimeout)
		}
	default:
		s.admitBy = time.Time{}
	}
}

// lateFor ends a session whose peer has had time enough.
func (s *Session) lateFor(now time.Time, out *Output) {
	s.admitBy = time.Time{}
	if s.auth.demand != nil && !s.auth.peerOK {
		s.closeFor(now, PeerNotAuthenticated, "Authentication takes too long", out)
		return
	}
	s.closeFor(now, NotNegotiated, "LCP: negotiation takes too long", out)
}

// watchLink closes a link that LCP has found to be of no use.
func (s *Session) watchLink(now time.Time, out *Output) {
	if s.link.State() <= ppp.Stopping {
		return
	}
	if limit := s.link.TakePathLimit(); limit != nil {
		out.emit(PathLimited{PathLimit: *limit})
	}
	switch {
	case s.link.Looped():
		s.closeFor(now, Looped, "looped link", out)
	case s.link.Dead():
		out.emit(EchoTimeout{Requests: s.link.Unanswered()})
		s.closeFor(now, PeerDead, "Peer not responding", out)
		s.link.Down(now) // a peer that says nothing will not say goodbye: nobody waits for it
	case s.link.AuthRefused():
		s.closeFor(now, PeerNotAuthenticated, RefusedToAuthenticate, out)
	}
}

// closeFor begins to close the link; settle, which is on its way, does the rest.
func (s *Session) closeFor(now time.Time, cause Cause, text string, out *Output) {
	s.closeLink(now, s.orMethod(Reason{cause, text}, out), out)
}
