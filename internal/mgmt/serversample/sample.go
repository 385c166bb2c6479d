// Package serversample reads a server's sessions and numbers again and again, for views that show what has
// changed since the last time.
package serversample

import (
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
)

// Source reads a server. Its methods are called by one goroutine at a time each.
type Source interface {
	Status() (servercontrol.Status, error)
	Stats() (servercontrol.Stats, error)
	// Sessions calls row with each session that matches. Row may keep it.
	Sessions(q servercontrol.Query, row func(*servercontrol.Session)) error
}

// Sample is what was read of a server.
type Sample struct {
	At       time.Time
	Status   servercontrol.Status
	Stats    servercontrol.Stats
	Sessions []*servercontrol.Session // of known ones perhaps only the traffic
}

// Reader reads samples. Sessions that were online already at the last read are read without what
// seldom changes, and completely after a while.
type Reader struct {
	Source Source
	Now    func() time.Time
	Filter servercontrol.Filter

	since  time.Time // beginning of the server's program
	before time.Time // the last read; zero: none
	full   time.Time // the last read of everything
}

// fullInterval is the time after which everything is read again.
const fullInterval = 30 * time.Second

// Read reads a sample.
func (r *Reader) Read() (*Sample, error) {
	at := r.Now()
	s := &Sample{}
	var err error
	if s.Status, err = r.Source.Status(); err != nil {
		return nil, err
	}
	if s.Stats, err = r.Source.Stats(); err != nil {
		return nil, err
	}
	q := servercontrol.Query{Filter: r.Filter}
	if s.Status.Since.Equal(r.since) && at.Sub(r.full) < fullInterval {
		q.TrafficBefore = r.before
	}
	s.At = r.Now()
	err = r.Source.Sessions(q, func(one *servercontrol.Session) { s.Sessions = append(s.Sessions, one) })
	if err != nil {
		r.full = time.Time{} // of an incomplete response nothing is known
		return nil, err
	}
	if q.TrafficBefore.IsZero() {
		r.full = at
	}
	r.since, r.before = s.Status.Since, at
	return s, nil
}

// Merge returns the sessions of a sample by ID, with the rates since an earlier one, and what only that has.
// Elapsed is the time between the two; 0: there are no rates. Sessions of the earlier one are changed.
func Merge(s *Sample, before map[uint64]*servercontrol.Session, elapsed time.Duration) map[uint64]*servercontrol.Session {
	all := make(map[uint64]*servercontrol.Session, len(s.Sessions))
	for _, now := range s.Sessions {
		is, traffic := now, now.Traffic
		was := before[now.ID]
		switch {
		case was == nil && now.MAC == "":
			continue // only its traffic; the rest follows with the next read of everything
		case now.MAC == "":
			is = was
			is.State, is.RoundTrip = now.State, now.RoundTrip
		case was != nil:
			is.Traffic = was.Traffic
		}
		if was != nil && elapsed > 0 {
			sessiontable.SetRates(is, traffic, elapsed)
		}
		if is.OnlineAt != nil {
			is.Seconds = max(0, s.At.Sub(*is.OnlineAt).Seconds())
		}
		all[now.ID] = is
	}
	return all
}
