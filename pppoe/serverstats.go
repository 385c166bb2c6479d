package pppoe

import (
	"sync"
	"sync/atomic"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// Stats are the numbers of a Server. Those without another word are totals since it was made.
type Stats struct {
	MaxSessions int // Pool.Max
	Sessions    int // that there are now
	HalfOpen    int // of them, those that have not reached their network phase
	Online      int // of them, those that have carried packets
	Draining    bool

	Established uint64 // sessions that discovery has set up
	Opened      uint64 // of them, those over which packets could flow
	// Failed are the sessions that ended before packets could flow, Ended the others, by cause.
	Failed, Ended      map[session.Cause]uint64
	Accepted, Rejected uint64 // authentications of peers
	Received, Sent     DiscoveryCounts
	EndedTraffic       datapath.Counters // of all sessions that have ended
	Drops              map[error]uint64  // see Server.Drops
	Queues             []QueueStats      // one for each Listener that is served now
}

// DiscoveryCounts are numbers of discovery packets, by code. Received ones include those that were
// dropped by the loop, and not those that access limits have dropped before.
type DiscoveryCounts struct{ PADI, PADO, PADR, PADS, PADT uint64 }

// QueueStats are the frames that wait for the loop of a Listener.
type QueueStats struct {
	Interface          string
	Discovery, Control int
	Capacity           int // of each queue
}

// Stats returns the numbers of the server. It may be called at any time.
func (s *Server) Stats() Stats {
	stats := Stats{MaxSessions: s.cfg.Pool.Max, Draining: s.Draining(), Drops: s.Drops()}
	stats.Sessions, stats.HalfOpen = s.slots.counts()
	s.counts.addTo(&stats)
	for _, l := range s.loops() {
		stats.Queues = append(stats.Queues, QueueStats{
			Interface: l.listener.Interface, Discovery: len(l.loop.discovery.frames), Control: len(l.loop.control.frames), Capacity: inboxSize,
		})
	}
	return stats
}

// counts returns how many slots are taken, and how many of their sessions are half-open.
func (s *slots) counts() (taken, halfOpen int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions.Total(), s.halfOpen.Total()
}

// serverCounts are the totals of Stats. The loops of a server share them.
type serverCounts struct {
	received, sent                          packetCounts
	established, opened, accepted, rejected atomic.Uint64

	mu            sync.Mutex
	failed, ended map[session.Cause]uint64
	traffic       datapath.Counters // of sessions that have ended
}

// packetCounts are DiscoveryCounts that several goroutines update.
type packetCounts struct{ padi, pado, padr, pads, padt atomic.Uint64 }

func (c *packetCounts) count(code wire.Code) {
	switch code {
	case wire.PADI:
		c.padi.Add(1)
	case wire.PADO:
		c.pado.Add(1)
	case wire.PADR:
		c.padr.Add(1)
	case wire.PADS:
		c.pads.Add(1)
	case wire.PADT:
		c.padt.Add(1)
	}
}

func (c *packetCounts) read() DiscoveryCounts {
	return DiscoveryCounts{c.padi.Load(), c.pado.Load(), c.padr.Load(), c.pads.Load(), c.padt.Load()}
}

// addTo adds the totals.
func (c *serverCounts) addTo(s *Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.Failed, s.Ended = make(map[session.Cause]uint64), make(map[session.Cause]uint64)
	for cause, n := range c.failed {
		s.Failed[cause] = n
	}
	s.Online, s.EndedTraffic = int(c.opened.Load()), c.traffic
	for cause, n := range c.ended {
		s.Ended[cause] = n
		s.Online -= int(n)
	}
	s.Established, s.Opened, s.Accepted, s.Rejected = c.established.Load(), c.opened.Load(), c.accepted.Load(), c.rejected.Load()
	s.Received, s.Sent = c.received.read(), c.sent.read()
}

// count counts an event of a session.
func (c *serverCounts) count(now time.Time, s *sessionState, event Event) {
	switch e := event.(type) {
	case Configured:
		if e.Previous == (Addressing{}) && s.firstConfigured == momentOf(now) {
			c.opened.Add(1)
		}
	case session.Authenticated:
		if e.Peer && !e.Repeated {
			c.accepted.Add(1)
		}
	case session.AuthFailed:
		if e.Peer {
			c.rejected.Add(1)
		}
	case Ended:
		c.countEnd(e, !s.firstConfigured.isNone())
	}
}

func (c *serverCounts) countEnd(e Ended, opened bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.traffic = c.traffic.Plus(e.Counters)
	by := &c.failed
	if opened {
		by = &c.ended
	}
	if *by == nil {
		*by = make(map[session.Cause]uint64)
	}
	(*by)[e.Reason.Cause]++
}
