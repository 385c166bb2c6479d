package pppoe

import (
	"slices"
	"time"
)

// countersSweep writes the counters of all sessions of a loop, a few at a time, and begins again after
// an interval.
type countersSweep struct {
	interval time.Duration // not positive: there are no sweeps
	next     time.Time     // when to go on; zero: there are no sessions
	began    time.Time     // the last one; zero: there was none
	left     []*sessionState
}

// sweepChunk is how many sessions have their counters written in one turn of the loop: the kernel may have
// to be asked for each.
const sweepChunk = 128

// start starts the sweeps, unless they have been.
func (c *countersSweep) start(now time.Time) {
	if c.interval > 0 && c.next.IsZero() {
		c.next, c.began = now.Add(c.interval), now
	}
}

// sweepCounters goes on with the sweep if that is due.
func (l *serverLoop) sweepCounters(now time.Time) {
	c := &l.records.counters
	if c.next.IsZero() || now.Before(c.next) {
		return
	}
	if c.left == nil {
		c.left = slices.Collect(l.loop.sessions.All())
		if clockJumped(c.began, now) {
			l.recordAll()
		}
		c.began = now
	}
	n := min(len(c.left), sweepChunk)
	for _, s := range c.left[:n] {
		l.writeCounters(now, s)
	}
	switch c.left = c.left[n:]; {
	case len(c.left) > 0:
		c.next = now.Add(timerSlack)
	case l.loop.sessions.Len() > 0:
		c.left, c.next = nil, c.began.Add(c.interval)
	default:
		*c = countersSweep{interval: c.interval}
	}
}

// writeCounters writes the counters of a session that can be adopted, unless they are as before.
func (l *serverLoop) writeCounters(now time.Time, s *sessionState) {
	if s.record.kind() != wholeRecord || s.endReason != nil || s.adopted != nil {
		return
	}
	r := CounterRecord{Counters: s.counters(), At: now.Round(0)}
	n := uint32(r.Counters.SentPackets + r.Counters.ReceivedPackets + r.Counters.Dropped)
	if n == s.recordedPackets {
		return
	}
	s.recordedPackets = n
	if u := s.limits.usage; u != nil && s.limits.IdleTimeout > 0 {
		r.Active = now.Round(0).Add(-now.Sub(u.active))
	}
	l.records.buf = r.AppendTo(l.records.buf[:0])
	l.records.store.PutCounters(s.Generation, l.records.buf)
}

// RecordCounters writes the counters of a session to ServerConfig.Store now, which otherwise happens each
// ServerConfig.CountersInterval: a successor must not begin with less than an accounting server has received. The
// error is ErrNoSession. It must not be called from Notify.
func (s *Server) RecordCounters(key SessionKey) error {
	return s.callSession(key, func(l *serverLoop, now time.Time, of *sessionState) {
		if l.records.store != nil {
			l.writeCounters(now, of)
		}
	})
}

// recordAll has the records of all sessions written that can be adopted: they have times of the wall
// clock, which has been set.
func (l *serverLoop) recordAll() {
	for s := range l.loop.sessions.All() {
		if s.record.kind() == wholeRecord {
			l.recordSession(s)
		}
	}
}

// maxClockDrift is how far the wall clock may differ from the time that has passed before it counts as
// set.
const maxClockDrift = 2 * time.Second

// clockJumped reports whether the wall clock was set between two times.
func clockJumped(from, to time.Time) bool {
	return (to.Round(0).Sub(from.Round(0)) - to.Sub(from)).Abs() > maxClockDrift
}
