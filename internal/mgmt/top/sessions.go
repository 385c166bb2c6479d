package top

import (
	"time"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/internal/mgmt/sessiontable"
)

// ServerSource reads a server, and ends sessions. Its methods are called by one goroutine at a time
// each.
type ServerSource interface {
	Status() (servercontrol.Status, error)
	Stats() (servercontrol.Stats, error)
	// Sessions calls row with each session that matches. Row may keep it.
	Sessions(q servercontrol.Query, row func(*servercontrol.Session)) error
	Disconnect(id uint64) error
}

// serverSample is what was read of a server.
type serverSample struct {
	at       time.Time
	status   servercontrol.Status
	stats    servercontrol.Stats
	sessions []*servercontrol.Session // of known ones perhaps only the traffic
}

func (s *serverSample) readAt() time.Time { return s.at }

// serverReader reads samples. Sessions that were online already at the last read are read without what
// seldom changes, and completely after a while.
type serverReader struct {
	source ServerSource
	now    func() time.Time
	filter servercontrol.Filter
	since  time.Time // beginning of the server's program
	before time.Time // the last read; zero: none
	full   time.Time // the last read of everything
}

// fullInterval is the time after which everything is read again.
const fullInterval = 30 * time.Second

func (r *serverReader) read() (sample, error) {
	at := r.now()
	s := &serverSample{}
	var err error
	if s.status, err = r.source.Status(); err != nil {
		return nil, err
	}
	if s.stats, err = r.source.Stats(); err != nil {
		return nil, err
	}
	q := servercontrol.Query{Filter: r.filter}
	if s.status.Since.Equal(r.since) && at.Sub(r.full) < fullInterval {
		q.TrafficBefore = r.before
	}
	s.at = r.now()
	err = r.source.Sessions(q, func(one *servercontrol.Session) { s.sessions = append(s.sessions, one) })
	if err != nil {
		r.full = time.Time{} // of an incomplete response nothing is known
		return nil, err
	}
	if q.TrafficBefore.IsZero() {
		r.full = at
	}
	r.since, r.before = s.status.Since, at
	return s, nil
}

// merge returns the sessions of a sample, with the rates since an earlier one, and what only that has.
func merge(s *serverSample, before map[uint64]*servercontrol.Session, elapsed time.Duration) map[uint64]*servercontrol.Session {
	all := make(map[uint64]*servercontrol.Session, len(s.sessions))
	for _, now := range s.sessions {
		is := now
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
			sessiontable.SetRates(is, now.Traffic, elapsed)
		}
		if is.OnlineAt != nil {
			is.Seconds = max(0, s.at.Sub(*is.OnlineAt).Seconds())
		}
		all[now.ID] = is
	}
	return all
}
