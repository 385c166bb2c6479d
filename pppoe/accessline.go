package pppoe

import (
	"time"

	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// recentLines are the access lines of PADIs, for clients whose PADR has none. They are few: an agent
// that inserts one into PADIs inserts it into PADRs too (TR-101, R-119).
type recentLines struct {
	by   map[clientAt]recentLine
	ring []clientAt // in the order in which they were added
	next int        // in the full ring: the oldest
}

type recentLine struct {
	line wire.AccessLine
	at   time.Time
}

// A PADR follows its PADI soon, unless it is of another dial.
const (
	maxRecentLines     = 1024
	recentLineLifetime = time.Minute
)

// add records the access line of a PADI.
func (r *recentLines) add(now time.Time, client clientAt, line wire.AccessLine) {
	if line == (wire.AccessLine{}) {
		return
	}
	if _, known := r.by[client]; !known {
		if r.by == nil {
			r.by = make(map[clientAt]recentLine)
		}
		if len(r.ring) < maxRecentLines {
			r.ring = append(r.ring, client)
		} else {
			delete(r.by, r.ring[r.next])
			r.ring[r.next] = client
			r.next = (r.next + 1) % maxRecentLines
		}
	}
	r.by[client] = recentLine{line, now}
}

// of returns the access line of a request: that of the PADR, or else that of the client's last PADI;
// nil: neither has one.
func (r *recentLines) of(now time.Time, q discovery.Request) *wire.AccessLine {
	line := q.AccessLine()
	if recent, ok := r.by[clientOf(q)]; ok && line == (wire.AccessLine{}) && now.Sub(recent.at) <= recentLineLifetime {
		line = recent.line
	}
	if line == (wire.AccessLine{}) {
		return nil
	}
	return &line
}
