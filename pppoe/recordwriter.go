package pppoe

import (
	"cmp"
	"slices"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
)

// recordState is what the store has of a session: one of the first three, and whether another record is to
// be written.
type recordState uint8

const (
	noRecord      recordState = iota
	keyRecord                 // what a PADT needs
	wholeRecord               // what adoption needs
	pendingRecord recordState = 1 << 7
)

func (r recordState) kind() recordState { return r &^ pendingRecord }
func (r recordState) isPending() bool   { return r&pendingRecord != 0 }

// recordWriter writes the records of a loop's sessions to the store: after a turn of the loop, one for
// each session at most, and before the frames of the turn are sent.
type recordWriter struct {
	store    SessionStore
	pending  []*sessionState
	policies encodedPolicies
	buf, ppp []byte // memory for a record, and for its part
	counters countersSweep
}

func newRecordWriter(cfg *ServerConfig) recordWriter {
	return recordWriter{store: cfg.Store, counters: countersSweep{interval: cmp.Or(cfg.CountersInterval, DefaultCountersInterval)}}
}

// recordSession has the session's record written after this turn of the loop.
func (l *serverLoop) recordSession(s *sessionState) {
	if l.records.store != nil && !s.record.isPending() {
		s.record |= pendingRecord
		l.records.pending = append(l.records.pending, s)
	}
}

// noteStep has the session's record written if the session can no longer be adopted, as its link is
// negotiated again, or now can.
func (l *serverLoop) noteStep(s *sessionState) {
	if (s.record.kind() == wholeRecord) != l.isAdoptable(s) {
		l.recordSession(s)
	}
}

// isAdoptable reports whether a successor could adopt the session: packets flow, the host's network is as the
// network protocols have agreed, and none is being negotiated. If the record of its result were lost, the
// peer would take a protocol for open that the successor does not.
func (l *serverLoop) isAdoptable(s *sessionState) bool {
	ipv4, ipv6 := s.desired.has(ppp.IPv4), s.desired.has(ppp.IPv6)
	flows := s.configured.ipv4 == ipv4 && s.configured.ipv6 == ipv6 || s.isBeingAdopted() // soon
	_, waits := l.awaiting[s]
	return s.endReason == nil && !s.networkFailed && !waits && (ipv4 || ipv6) && flows &&
		s.ppp.Phase() == session.PhaseNetwork && !s.ppp.IsNegotiating()
}

// writeRecords writes the records of sessions that have changed in this turn of the loop.
func (l *serverLoop) writeRecords(now time.Time) {
	if len(l.records.pending) == 0 {
		return
	}
	l.records.counters.start(now)
	for _, s := range l.records.pending {
		if s.record.isPending() {
			l.writeRecord(now, s)
		}
	}
	clear(l.records.pending)
	l.records.pending = l.records.pending[:0]
}

// writeRecord writes the record of a session: of one that can be adopted, the whole of it.
func (l *serverLoop) writeRecord(now time.Time, s *sessionState) {
	w, before := &l.records, s.record.kind()
	s.record = before
	r := SessionRecord{SessionInfo: s.info(), Listener: l.listener.Interface}
	e := recordEncoding{SessionRecord: &r}
	if l.isAdoptable(s) {
		w.ppp, r.Open = s.ppp.AppendState(w.ppp[:0], now)
	}
	switch {
	case r.Open:
		l.completeRecord(now, s, &r)
		e.policy = w.policies.fields(s.policy)
	case before == keyRecord:
		return
	}
	w.buf = e.appendTo(w.buf[:0])
	w.store.PutSession(s.Generation, w.buf)
	if s.record = keyRecord; r.Open {
		s.record = wholeRecord
	}
}

// completeRecord sets what the record of an open session has, except for the policy.
func (l *serverLoop) completeRecord(now time.Time, s *sessionState, r *SessionRecord) {
	r.RequestKey, r.PPP = s.requestKey, l.records.ppp
	r.Addressing = s.desired.addressing()
	if s.adopted != nil && s.Device == "" {
		r.Device = s.adopted.device
	}
	r.Assigned = slices.Collect(s.claims.all(claimAssigned))
	r.Leased = l.server.addresses.isLeased(r.IPv4.Remote, s.Unit)
	r.Prefixes = s.dynamic()
	r.OwnPolicy = s.authPolicy != nil
	r.Opened, r.LimitsSince = wallTime(now, s.firstConfigured), wallTime(now, s.limits.since)
	if u := s.limits.usage; u != nil {
		r.Baseline = u.baseline
	}
}

// deleteRecord deletes what the store has of a session that has ended.
func (l *serverLoop) deleteRecord(s *sessionState) {
	if s.record.kind() != noRecord {
		l.records.store.DeleteSession(s.Generation)
	}
	s.record = noRecord
}

// wallTime returns a moment by the wall clock as it is now, which may have been set since.
func wallTime(now time.Time, m moment) time.Time {
	if m.isNone() || m == limitReached {
		return time.Time{}
	}
	return now.Round(0).Add(-m.until(now))
}
