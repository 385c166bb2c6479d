package pppoe

import (
	"time"

	"upppoe/pppoe/limit"
)

// adoptChunk adopts sessions, and has the peers of those that it does not adopt sent a PADT.
func (l *serverLoop) adoptChunk(now time.Time, chunk []*adoption) {
	l.useConfig()
	l.manyUnknownUntil = now.Add(manyUnknownPeriod)
	for _, a := range chunk {
		if a.err == nil {
			a.err = l.adopt(now, a)
		}
		if a.err != nil && a.record.HasKey() && !l.stopped {
			a.padt = true
			l.paced.addPADT(now, a)
		}
	}
	l.loop.applyShared(now)
	l.loop.sendFrames()
}

// adopt continues a session; the error is why not.
func (l *serverLoop) adopt(now time.Time, a *adoption) error {
	r := &a.record
	switch {
	case l.stopped:
		return ErrListenerDown
	case r.Local != l.loop.ports.Session.Addr():
		return ErrListenerAddress
	case !l.attachments.isFree(r.vlan, r.SessionID):
		return ErrSessionIDInUse
	}
	slot, err := l.server.slots.adopt(r.Unit, limit.Origin{Interface: l.index, VLAN: r.vlan, Client: r.Peer}, l)
	if err != nil {
		return err
	}
	s, err := l.restoreSession(now, slot, a)
	if err != nil {
		l.freeSlot(slot)
		return err
	}
	l.addAdopted(now, s, a)
	return nil
}

// restoreSession gives the state of a session its addresses and framed routes.
func (l *serverLoop) restoreSession(now time.Time, slot int, a *adoption) (*sessionState, error) {
	r, s, err := &a.record, a.state, a.stateErr
	if cfg := l.server.current.Load(); slot != r.Unit || cfg != a.cfg {
		s, err = l.server.stateOf(now, cfg, a, slot)
	}
	if err != nil {
		return nil, err
	}
	a.state = nil
	if s.ppp.MTU() > l.loop.maxPayload(r.vlan) {
		return nil, ErrPayload
	}
	ref := sessionRef{l, s, s.User}
	if r.HasIPv4() {
		if l.server.addresses.isWithheld(r.IPv4.Remote) {
			return nil, ErrNotProvided
		}
		if !l.server.addresses.adopt(r.IPv4.Remote, ref, r.Leased) {
			return nil, ErrIPv4InUse
		}
		s.claims.add(r.IPv4.Remote, claimHeld)
	}
	if _, kept := l.server.framed.claim(r.Policy, ref, func(sessionRef) bool { return false }); len(kept) > 0 {
		l.server.framed.release(r.Policy, s)
		l.releaseAddress(r.IPv4.Remote, s)
		return nil, ErrFramedInUse
	}
	return s, nil
}

// restore sets what does not depend on other sessions.
func (s *sessionState) restore(now time.Time, cfg *ServerConfig, a *adoption) {
	r := &a.record
	s.desired = wanted{device: true, MTU: uint16(r.MTU), IPv4: newAgreement(r.IPv4), IPv6: r.IPv6}
	s.claims.assign(r.Assigned...)
	if r.OwnPolicy {
		s.authPolicy = r.Policy
	}
	if len(r.Prefixes) > 0 {
		s.dynamicPrefixes = &r.Prefixes
	}
	s.firstConfigured, s.limits.since = momentAt(now, r.Opened), momentAt(now, r.LimitsSince)
	s.limits.SessionLimits = &cfg.Limits
	if r.Policy.Limits != nil {
		s.limits.SessionLimits = r.Policy.Limits
	}
	if s.limits.needsCounters() {
		s.limits.usage = &usage{active: now, last: a.counters.Counters, baseline: r.Baseline}
		if !a.counters.Active.IsZero() {
			s.limits.usage.active = momentAt(now, a.counters.Active).time()
		}
	}
	s.adaptiveEcho = cfg.Session.LCP.Echo.Adaptive
	s.needsCounters = s.adaptiveEcho || s.limits.needsCounters()
	s.lastReceived = uint32(a.counters.Counters.ReceivedPackets)
	s.record = wholeRecord
}

// momentAt returns the moment of a time of the wall clock, which is not after now: the clock may have been
// set back. Of the zero time it is now.
func momentAt(now, wall time.Time) moment {
	if wall.IsZero() {
		return momentOf(now)
	}
	return momentOf(now.Add(-max(0, now.Round(0).Sub(wall))))
}

// addAdopted adds a session to the loop and to the server's tables.
func (l *serverLoop) addAdopted(now time.Time, s *sessionState, a *adoption) {
	cfg := l.server.current.Load()
	l.loop.mss, l.loop.trace = cfg.MSS, cfg.Trace
	l.attachments.take(s.vlan, s.SessionID)
	info := s.info()
	info.Interface = l.attachments.name(s.vlan)
	s.sessionIdentity = identityOf(&info, l.loop.names)
	l.loop.names = s.sessionNames
	l.loop.sessions.Put(s)
	l.server.slots.setSession(s.Unit, s)
	if s.requestKey != ([8]byte{}) {
		l.byRequest.Put(requested{s})
	}
	if user, limit := CountedUser(s.User, s.policy, cfg.Duplicates); limit > 0 {
		l.server.users.adopt(user, s.Unit, sessionRef{l, s, user})
	}
	for addr := range s.claims.all(claimAssigned) {
		if !a.record.Leased {
			l.server.addresses.reserve(addr)
		}
	}
	if s.Unit != a.record.Unit {
		l.recordSession(s)
	}
	l.server.counts.established.Add(1)
	l.server.counts.opened.Add(1)
	l.records.counters.start(now)
	l.loop.setTimer(now, s)
	if l.server.delayed.Load() {
		l.loop.adopted.add(s)
	} else {
		l.loop.reconcile(s)
	}
	l.paced.addCheck(now, s)
}
