package pppoe

import (
	"errors"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// AdoptableSession is what a Client must know of a session to continue it in place of a client that was
// killed: see ClientConfig.Record and ClientConfig.Adopt.
type AdoptableSession struct {
	SessionID       uint16
	AC, Local       wire.Addr // of the concentrator, and ours
	ACName, Service string    // untrusted
	User            string    // of the peer, once it is authenticated; untrusted
	PADTTags        wire.Tags // that our PADT must have
	Device          string    // the name of its device
	PPP             []byte    // what session.Compact.AppendState has appended
	Opened          time.Time // when packets first flowed, by the wall clock
}

// errNotContinued is the end of a session that was adopted and that the concentrator does not have any
// more: a dial follows, as if there had been none.
var errNotContinued = errors.New("the session of an earlier client has ended")

// recordSession has the session recorded, so that a later client can adopt it; or as one that cannot be
// adopted now.
func (d *dialer) recordSession(now time.Time, s *sessionState, adoptable bool) {
	if d.cfg.Record == nil {
		return
	}
	state, ok := s.ppp.AppendState(nil, now)
	if !ok || !adoptable || s.endReason != nil {
		d.cfg.Record(nil)
		return
	}
	d.cfg.Record(&AdoptableSession{
		SessionID: s.SessionID, AC: s.Peer, Local: s.Local, ACName: s.ACName, Service: s.Service, User: s.User,
		PADTTags: d.loop.padtTags, Device: s.Device, PPP: state,
		Opened: now.Add(-s.firstConfigured.until(now)).Round(0),
	})
}

// adoptOrDial continues a session of an earlier client, and asks the concentrator at once whether it still
// has it. If that is not possible, the session gets a PADT, and discovery begins.
func (d *dialer) adoptOrDial(now time.Time, a *AdoptableSession) {
	s, err := d.restoreSession(now, a)
	if err != nil {
		d.loop.notify(d.info(), AdoptionFailed{SessionID: a.SessionID, AC: a.AC, Err: err})
		d.terminateStale([]StaleSession{a.stale(d.loop.ports.Session.Addr())})
		d.searchAt = now.Add(padtGrace)
		return
	}
	d.discovery, d.session, d.ac, d.unconfirmed = nil, s, a.AC, a
	d.loop.padtTags = a.PADTTags
	d.isOpen.Store(true)
	d.loop.reconcile(s)
	s.ppp.CheckPeer(now, d.loop.output(s))
	d.loop.flush(now, s)
}

// stale returns the session as one to be terminated, at an interface that has an address now.
func (a *AdoptableSession) stale(now wire.Addr) StaleSession {
	s := StaleSession{SessionID: a.SessionID, AC: a.AC}
	if a.Local != now {
		s.Local = a.Local
	}
	return s
}

// restoreSession adds the session to the loop; the error is why not.
func (d *dialer) restoreSession(now time.Time, a *AdoptableSession) (*sessionState, error) {
	if a.Local != d.loop.ports.Session.Addr() {
		return nil, ErrListenerAddress
	}
	cfg := d.cfg.Session
	requestPrevious(&cfg, d.cfg.Previous)
	s := d.loop.addSession(SessionInfo{SessionID: a.SessionID, Peer: a.AC, ACName: a.ACName, Service: a.Service, User: a.User}, &cfg, session.Peer{}, &d.cfg.Limits)
	err := s.ppp.Restore(&cfg, a.PPP, now)
	if err == nil && s.ppp.MTU() > d.loop.maxPayload(vlan.Stack{}) {
		err = ErrPayload
	}
	if err != nil {
		d.loop.sessions.Delete(s.frameKey())
		return nil, err
	}
	s.start, s.adopted = nil, &adoptedSession{device: a.Device}
	s.firstConfigured = momentAt(now, a.Opened)
	s.limits.since = s.firstConfigured
	d.loop.restoreNetwork(s)
	return s, nil
}

// restoreNetwork sets what the session needs of the host's network, from what PPP has agreed on.
func (l *loop) restoreNetwork(s *sessionState) {
	s.desired.device = true
	s.setMTU()
	v4, v6 := s.ppp.Agreements()
	if v4.Local.IsValid() {
		s.desired.IPv4 = newAgreement(v4)
		s.Device = s.adopted.device // of which the placeholder has the number
		l.defaultRemote(s)
		s.Device = ""
	}
	s.desired.IPv6 = v6
}

// handleAdopted handles that packets of an adopted session flow again.
func (d *dialer) handleAdopted(now time.Time, s *sessionState, e Adopted) {
	if s.path != nil { // else its device could not be opened
		d.path.Store(&s.path)
	}
	d.online, d.configured = true, e.Addressing
	d.recordSession(now, s, true)
	d.checkContinued(s)
}

// checkContinued finds out, after a step of the session, whether the concentrator has answered the first
// Echo-Request of an adopted session.
func (d *dialer) checkContinued(s *sessionState) {
	if d.unconfirmed != nil && s.endReason == nil && !s.isBeingAdopted() && s.ppp.Phase() == session.PhaseNetwork && s.ppp.Unanswered() == 0 {
		d.unconfirmed = nil
		d.loop.notify(s.info(), Continued{})
	}
}
