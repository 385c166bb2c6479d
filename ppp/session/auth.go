package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"upppoe/ppp"
)

// authentication is the state of the Authenticate phase, in which each side may have to
// authenticate itself (RFC 1661 section 3.5). The exchanges continue while the link is
// open, for further challenges and for repetitions.
type authentication struct {
	authenticator     ppp.Authenticator // of the peer; nil: it need not authenticate itself
	peer              ppp.AuthExchange  // in which we are the peer; nil: none, or not begun
	early             *ppp.Control      // with PeerAuthFirst: a packet for us that came before the peer was authenticated; nil: none
	peerAuthenticated bool
	selfAuthenticated bool
}

// authenticated reports whether both sides are authenticated, as far as LCP has agreed.
func (s *Session) authenticated() bool {
	a := &s.auth
	return (a.authenticator == nil || a.peerAuthenticated) && (s.link.OwnMethod() == nil || a.selfAuthenticated)
}

// awaitingPeer reports whether the peer still has to accept our credentials.
func (a *authentication) awaitingPeer() bool { return a.peer != nil && !a.selfAuthenticated }

func (a *authentication) deadline() (first time.Time) {
	if a.authenticator != nil {
		first = a.authenticator.Deadline()
	}
	if a.peer != nil {
		first = ppp.Earliest(first, a.peer.Deadline())
	}
	return first
}

// startAuth starts the exchanges that LCP has agreed on.
func (s *Session) startAuth(now time.Time, out *Output) {
	s.auth = authentication{}
	if m := s.link.PeerMethod(); m != nil {
		s.auth.authenticator = s.newAuthenticator(m)
		s.auth.authenticator.Start(now, &out.Frames)
	}
	if s.link.OwnMethod() != nil && (s.auth.authenticator == nil || !s.cfg.PeerAuthFirst) {
		s.startPeerRole(now, s.cfg.Credentials, out)
	}
}

func (s *Session) newAuthenticator(m ppp.Method) ppp.Authenticator {
	return m.NewAuthenticator(ppp.AuthenticatorConfig{Name: s.cfg.Name, Key: s.cfg.ChallengeKey, Rand: s.cfg.Rand, Timers: s.cfg.AuthTimers})
}

func (s *Session) startPeerRole(now time.Time, c ppp.Credentials, out *Output) {
	s.auth.peer = s.newPeerRole(c)
	s.auth.peer.Start(now, &out.Frames)
}

func (s *Session) newPeerRole(c ppp.Credentials) ppp.AuthExchange {
	c.Rand, c.Timers, c.Key, c.Authenticator = s.cfg.Rand, s.cfg.AuthTimers, s.cfg.ChallengeKey, s.auth.authenticator
	return s.link.OwnMethod().NewPeer(c)
}

// startPeerRoleLast starts the exchange in which we are the peer, once the other side is
// authenticated, with the secrets shared with it. It handles the packet that came before.
func (s *Session) startPeerRoleLast(now time.Time, secret, cleartextSecret []byte, out *Output) {
	c := s.cfg.Credentials
	c.Secret = func(string) ([]byte, bool) { return secret, len(secret) > 0 }
	c.CleartextSecret = func() ([]byte, bool) { return cleartextSecret, len(cleartextSecret) > 0 }
	s.startPeerRole(now, c, out)
	if c := s.auth.early; c != nil {
		s.auth.early = nil
		step, err := s.auth.peer.Receive(now, *c, &out.Frames)
		if err != nil {
			out.emit(Dropped{Protocol: s.auth.peer.Protocol(), Err: err})
		}
		s.handlePeerStep(now, step, out)
	}
}

// keepEarly keeps the last packet for an exchange that has not begun yet (PeerAuthFirst),
// so that the other side need not repeat it. It reports whether the packet is for one.
func (s *Session) keepEarly(p ppp.Protocol, c ppp.Control) bool {
	m := s.link.OwnMethod()
	if m == nil || s.auth.peer != nil || ppp.Protocol(binary.BigEndian.Uint16(m.Option())) != p {
		return false
	}
	s.auth.early = &ppp.Control{Code: c.Code, ID: c.ID, Data: bytes.Clone(c.Data)}
	return true
}

// receiveAuth passes a packet to the exchanges of its protocol. Where both use the same
// protocol, each drops packets for the other role with ppp.ErrRole.
func (s *Session) receiveAuth(now time.Time, p ppp.Protocol, information []byte, out *Output) error {
	c, err := ppp.ParseControl(information)
	if err != nil {
		return err
	}
	err = ErrNoRole
	if x := s.auth.peer; x != nil && x.Protocol() == p {
		var step ppp.Step
		step, err = x.Receive(now, c, &out.Frames)
		s.handlePeerStep(now, step, out)
	}
	if x := s.auth.authenticator; x != nil && x.Protocol() == p && (err == ErrNoRole || errors.Is(err, ppp.ErrRole)) {
		var step ppp.Step
		step, err = x.Receive(now, c, &out.Frames)
		s.handleAuthenticatorStep(now, step, out)
	}
	if (err == ErrNoRole || errors.Is(err, ppp.ErrRole)) && s.keepEarly(p, c) {
		return nil
	}
	return err
}

// assumeSuccess handles the first packet of a network protocol while our credentials are
// not yet accepted: only a peer that has accepted them sends it (ppp.ImplicitSuccess).
func (s *Session) assumeSuccess(now time.Time, out *Output) {
	x, ok := s.auth.peer.(ppp.ImplicitSuccess)
	if !ok || s.auth.selfAuthenticated || s.auth.authenticator != nil && !s.auth.peerAuthenticated {
		return
	}
	s.handlePeerStep(now, x.AssumeSuccess(), out)
	s.updatePhase(now, out)
}

func (s *Session) advanceAuth(now time.Time, out *Output) {
	if x := s.auth.peer; x != nil {
		s.handlePeerStep(now, x.Advance(now, &out.Frames), out)
	}
	if x := s.auth.authenticator; x != nil {
		s.handleAuthenticatorStep(now, x.Advance(now, &out.Frames), out)
	}
}

// handlePeerStep handles a step of the exchange in which we are the peer.
func (s *Session) handlePeerStep(now time.Time, step ppp.Step, out *Output) {
	m := s.link.OwnMethod()
	switch step.Outcome {
	case ppp.Succeeded:
		out.emit(Authenticated{Method: m, Name: step.Name, Message: step.Message, Repeated: s.auth.selfAuthenticated})
		s.auth.selfAuthenticated = true
	case ppp.Failed:
		out.emit(AuthFailed{Method: m, Name: step.Name, Message: step.Message})
		s.closeFor(now, CauseNotAuthenticated, "Failed to authenticate ourselves to peer", out)
	}
}

// handleAuthenticatorStep handles a step of the exchange in which we are the
// authenticator.
func (s *Session) handleAuthenticatorStep(now time.Time, step ppp.Step, out *Output) {
	m := s.link.PeerMethod()
	switch step.Outcome {
	case ppp.AwaitingResult:
		out.emit(AuthRequest{Method: m, Response: step.Response})
	case ppp.Succeeded:
		out.emit(Authenticated{Method: m, Peer: true, Name: step.Name, Repeated: s.auth.peerAuthenticated})
		s.auth.peerAuthenticated = true
	case ppp.Failed:
		out.emit(AuthFailed{Method: m, Peer: true, Name: step.Name, Message: step.Message})
		s.closeFor(now, CausePeerNotAuthenticated, "Authentication failed", out)
	}
}
