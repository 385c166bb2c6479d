package session

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"upppoe/ppp"
)

// authentication is the phase of that name: each side may have to prove who it
// is (RFC 1661 section 3.5). The exchanges live on while the link is open, for
// further challenges and for repetitions.
type authentication struct {
	demand   ppp.Authenticator // the peer proves; nil: it need not
	answer   ppp.AuthExchange  // we prove; nil: we need not
	peerOK   bool
	weOK     bool
	demandBy ppp.Method
	answerBy ppp.Method
	early    *ppp.Control // with PeerAuthFirst: what the peer has asked before its own proof; nil: nothing
}

func (a *authentication) done() bool {
	return (a.demand == nil || a.peerOK) && (a.answerBy == nil || a.weOK)
}

// answering reports whether the peer still has to accept who we are.
func (a *authentication) answering() bool { return a.answer != nil && !a.weOK }

func (a *authentication) deadline() (first time.Time) {
	if a.demand != nil {
		first = a.demand.Deadline()
	}
	if a.answer != nil {
		first = ppp.Earliest(first, a.answer.Deadline())
	}
	return first
}

// beginAuth starts the exchanges that LCP has agreed on.
func (s *Session) beginAuth(now time.Time, out *Output) {
	s.auth = authentication{demandBy: s.link.PeerMethod(), answerBy: s.link.OwnMethod()}
	if by := s.auth.demandBy; by != nil {
		s.auth.demand = by.NewAuthenticator(ppp.AuthenticatorConfig{Name: s.cfg.Name, Key: s.cfg.ChallengeKey, Rand: s.cfg.Rand, Timers: s.cfg.AuthTimers})
		s.auth.demand.Start(now, &out.Frames)
	}
	if s.auth.answerBy != nil && (s.auth.demand == nil || !s.cfg.PeerAuthFirst) {
		s.beginAnswer(now, s.cfg.Credentials, out)
	}
}

func (s *Session) beginAnswer(now time.Time, who ppp.Credentials, out *Output) {
	who.Rand, who.Timers, who.Key, who.Authenticator = s.cfg.Rand, s.cfg.AuthTimers, s.cfg.ChallengeKey, s.auth.demand
	s.auth.answer = s.auth.answerBy.NewPeer(who)
	s.auth.answer.Start(now, &out.Frames)
}

// answerLast begins to prove who we are to a peer that has proved itself, by what we share with
// it, and takes up what it has asked in the meantime.
func (s *Session) answerLast(now time.Time, d ppp.AuthResult, out *Output) {
	if s.auth.answerBy == nil || s.auth.answer != nil {
		return
	}
	who := s.cfg.Credentials
	who.Secret = func(string) ([]byte, bool) { return d.Secret, len(d.Secret) > 0 }
	who.CleartextSecret = func() ([]byte, bool) { return d.CleartextSecret, len(d.CleartextSecret) > 0 }
	s.beginAnswer(now, who, out)
	if c := s.auth.early; c != nil {
		s.auth.early = nil
		step, err := s.auth.answer.Receive(now, *c, &out.Frames)
		if err != nil {
			out.emit(Dropped{Protocol: s.auth.answer.Protocol(), Err: err})
		}
		s.answered(now, step, out)
	}
}

// keepEarly keeps the last packet of the method by which we will prove ourselves, so that the peer
// need not wait until it repeats it; and reports whether it is one.
func (a *authentication) keepEarly(p ppp.Protocol, c ppp.Control) bool {
	if a.answerBy == nil || a.answer != nil || ppp.Protocol(binary.BigEndian.Uint16(a.answerBy.Option())) != p {
		return false
	}
	a.early = &ppp.Control{Code: c.Code, ID: c.ID, Data: bytes.Clone(c.Data)}
	return true
}

// receiveAuth offers a packet to the exchanges of its protocol: where both sides
// prove themselves by one protocol, the code tells them apart: an exchange refuses
// with ppp.ErrRole what is the other's.
func (s *Session) receiveAuth(now time.Time, p ppp.Protocol, information []byte, out *Output) error {
	c, err := ppp.ParseControl(information)
	if err != nil {
		return err
	}
	err = ErrNoRole
	if x := s.auth.answer; x != nil && x.Protocol() == p {
		var step ppp.Step
		step, err = x.Receive(now, c, &out.Frames)
		s.answered(now, step, out)
	}
	if x := s.auth.demand; x != nil && x.Protocol() == p && (err == ErrNoRole || errors.Is(err, ppp.ErrRole)) {
		var step ppp.Step
		step, err = x.Receive(now, c, &out.Frames)
		s.demanded(now, step, out)
	}
	if (err == ErrNoRole || errors.Is(err, ppp.ErrRole)) && s.auth.keepEarly(p, c) {
		return nil
	}
	return err
}

// acceptedSilently handles the first packet of a network protocol of ours that comes while we
// wait for the peer's verdict on who we are: it would not have come from a peer that has not
// accepted us.
func (s *Session) acceptedSilently(now time.Time, out *Output) {
	x, ok := s.auth.answer.(ppp.ImplicitSuccess)
	if !ok || s.auth.weOK || s.auth.demand != nil && !s.auth.peerOK {
		return
	}
	s.answered(now, x.AssumeSuccess(), out)
	s.settle(now, out)
}

func (s *Session) advanceAuth(now time.Time, out *Output) {
	if x := s.auth.answer; x != nil {
		s.answered(now, x.Advance(now, &out.Frames), out)
	}
	if x := s.auth.demand; x != nil {
		s.demanded(now, x.Advance(now, &out.Frames), out)
	}
}

// answered heeds what became of our proof.
func (s *Session) answered(now time.Time, step ppp.Step, out *Output) {
	by := s.auth.answerBy
	switch step.Outcome {
	case ppp.Succeeded:
		out.emit(Authenticated{Method: by, Name: step.Name, Message: step.Message, Repeated: s.auth.weOK})
		s.auth.weOK = true
	case ppp.Failed:
		out.emit(AuthFailed{Method: by, Name: step.Name, Message: step.Message})
		s.closeFor(now, NotAuthenticated, "Failed to authenticate ourselves to peer", out)
	}
}

// demanded heeds what became of the peer's proof.
func (s *Session) demanded(now time.Time, step ppp.Step, out *Output) {
	by := s.auth.demandBy
	switch step.Outcome {
	case ppp.AwaitingResult:
		out.emit(AuthRequest{Method: by, Response: step.Response})
	case ppp.Succeeded:
		out.emit(Authenticated{Method: by, Peer: true, Name: step.Name, Repeated: s.auth.peerOK})
		s.auth.peerOK = true
	case ppp.Failed:
		out.emit(AuthFailed{Method: by, Peer: true, Name: step.Name, Message: step.Message})
		s.closeFor(now, PeerNotAuthenticated, "Authentication failed", out)
	}
}
