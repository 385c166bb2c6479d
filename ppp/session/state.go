package session

import (
	"errors"
	"fmt"
	"time"

	"upppoe/internal/tlv"
	"upppoe/ppp"
)

// ErrState reports an encoded state that Restore cannot continue.
var ErrState = errors.New("session: state cannot be restored")

// stateVersion is the first octet of an encoded state. Another version has other fields under the same
// tags; a mere addition of fields does not change it.
const stateVersion = 1

// Tags of a session's fields. They do not change.
const (
	tagLink              = 1
	tagIPCP              = 2
	tagIPv6CP            = 3
	tagRoundTrip         = 4
	tagUps               = 5
	tagUpsAge            = 6 // seconds since upsSince, at most upsPeriod
	tagEarlyTerminate    = 7
	tagPeerAuthenticated = 8
	tagSelfAuthenticated = 9
	tagAuthenticator     = 10
)

// AppendState appends the state of the session, encoded, of which Restore makes the same session in
// another program, maybe of another version. It is a version in one octet, the length of the rest as a
// uvarint, and fields of package internal/tlv. No password is part of it, but the Magic-Numbers and
// names are: it should be readable by the owner only. It returns false if there is nothing to restore:
// the network phase has not begun, no network protocol is open, or the link is closing.
//
// A state stays valid until the link or a network protocol is negotiated again: see NetworkDown, IPv4Up and
// IPv6Up. Identifiers and deadlines in it age, which does no harm. A network protocol that is negotiating
// is one that answers the peer's next Configure-Request after Restore.
func (c *Compact) AppendState(b []byte, now time.Time) ([]byte, bool) {
	p, auth := c.parked, authentication{}
	if c.running != nil {
		var ok bool
		if p, ok = c.running.snapshot(); !ok {
			return b, false
		}
		auth = c.running.auth
	} else if !c.parked.isPeer && c.parked.exchange != nil {
		auth.authenticator = c.parked.exchange.(ppp.Authenticator)
	}
	fields := encoding{parked: &p, cfg: c.cfg, now: now}
	if !p.layers[0].up && !p.layers[1].up || !fields.keepAuthenticator(auth.authenticator) {
		return b, false
	}
	return tlv.AppendVersion(b, stateVersion, fields.fields), true
}

// keepAuthenticator keeps the state of the authenticator, unless it is nil. It returns false if there is
// none that could be resumed.
func (e *encoding) keepAuthenticator(a ppp.Authenticator) (ok bool) {
	if a == nil {
		return true
	}
	resumable, ok := a.(ppp.ResumableAuthenticator)
	if ok {
		e.authenticator, ok = resumable.AppendState(nil, e.now)
	}
	return ok
}

// snapshot returns what unpark makes, in another program, the same session of, except for authentication.
func (s *Session) snapshot() (p parked, ok bool) {
	if s.phase != PhaseNetwork || s.closed || s.reason != nil {
		return p, false
	}
	if p.link, ok = s.link.Snapshot(); !ok {
		return p, false
	}
	for i := range s.layers() {
		p.automaton[i] = s.layers()[i].automaton.Snapshot()
	}
	p.keep(s)
	return p, true
}

// Restore makes a session that is part of another struct that of which AppendState has encoded the state,
// in place of Init. It is in PhaseNetwork; the network protocols are as they were, and no event reports
// them. The configuration must allow what was agreed on, and have the authentication methods. Deadlines
// continue; the caller calls CheckPeer to learn at once whether the peer is still there. Where the peer
// challenges us again, Config.Credentials answer, also with PeerAuthFirst.
//
// An error wraps ErrState; the Compact is then not changed.
func (c *Compact) Restore(cfg *Config, state []byte, now time.Time) error {
	p, s := parked{}, new(Session)
	fields := encoding{parked: &p, cfg: cfg, now: now}
	if err := tlv.ParseVersion(state, stateVersion, fields.fields); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	s.unpark(cfg, &p)
	err := s.checkOpen()
	if err == nil {
		err = s.resume(fields.authenticator, now)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	*c = Compact{cfg: cfg, running: s}
	if p, ok := s.park(); ok {
		c.parked, c.running = p, nil
	}
	return nil
}

// checkOpen checks what the network protocols have agreed on.
func (s *Session) checkOpen() error {
	open := false
	for i := range s.layers() {
		l := &s.layers()[i]
		if !l.up {
			continue
		}
		if err := s.agreementErr(l); err != nil {
			return err
		}
		open = true
	}
	if !open {
		return errors.New("no network protocol is open")
	}
	return nil
}

// resume continues the authentication.
func (s *Session) resume(authenticator []byte, now time.Time) error {
	if m := s.link.PeerMethod(); m != nil {
		x, ok := s.newAuthenticator(m).(ppp.ResumableAuthenticator)
		if !ok {
			return fmt.Errorf("%s cannot be resumed", m.Name())
		}
		if err := x.Resume(authenticator, now); err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
		s.auth.authenticator = x
	}
	if s.link.OwnMethod() != nil {
		credentials := s.cfg.Credentials
		if credentials.Secret == nil {
			credentials.Secret = func(string) ([]byte, bool) { return nil, false }
		}
		s.auth.peer = s.newPeerRole(credentials)
	}
	if !s.authenticated() {
		return errors.New("a side is not authenticated")
	}
	return nil
}
