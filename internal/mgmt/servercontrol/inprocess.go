package servercontrol

import (
	"time"

	"upppoe/pppoe"
)

// CurrentStats returns the numbers.
func (p *Program) CurrentStats() Stats {
	s := statsOf(p.Server.Stats())
	p.RADIUS.addTo(&s)
	return s
}

// EachSession calls row with each session that matches, until it returns false. The session is valid until
// row returns. The error names a field of the filter.
func (p *Program) EachSession(q Query, row func(*Session) bool) error {
	m, err := p.matcher(q.Filter)
	if err != nil {
		return err
	}
	var one Session
	for s := range p.Server.Sessions() {
		if !m.matches(&s) {
			continue
		}
		if q.trafficOnly(&s) {
			one = Session{ID: s.Generation, State: stateOf(s.Phase), RoundTrip: milliseconds(s.RoundTrip), Traffic: trafficOf(s.Counters)}
		} else {
			one = p.sessionOf(&s)
		}
		if !row(&one) {
			break
		}
	}
	return nil
}

// sessionOf converts a session, with its Acct-Session-Id.
func (p *Program) sessionOf(s *pppoe.SessionStatus) Session {
	j := sessionOf(s, time.Now())
	if p.NAS != nil {
		j.AcctSessionID = p.NAS.SessionID(j.ID)
	}
	return j
}

// Session returns a session by its ID, without looking at others; ok is false if there is none.
func (p *Program) Session(id uint64) (s Session, ok bool) {
	key, ok := p.Server.Lookup(id)
	if !ok {
		return s, false
	}
	status, err := p.Server.Session(key)
	if err != nil {
		return s, false
	}
	return p.sessionOf(&status), true
}
