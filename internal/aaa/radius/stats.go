package radius

import (
	"maps"
	"net/netip"
	"sync"
	"time"
)

// LatencyBounds are the upper bounds of the classes of ServerStats.Latency; the last class has none.
var LatencyBounds = [...]time.Duration{
	time.Millisecond, 3 * time.Millisecond, 10 * time.Millisecond, 30 * time.Millisecond, 100 * time.Millisecond,
	300 * time.Millisecond, time.Second, 3 * time.Second,
}

// ServerStats are the counters of a server.
type ServerStats struct {
	Addr           netip.AddrPort
	Dead           bool   // it does not answer
	Requests       uint64 // sent, without retransmissions
	Retransmitted  uint64
	Answers        uint64
	Timeouts       uint64 // requests that had no answer
	SendErrors     uint64 // of the host's network
	Drops          map[error]uint64
	LastDrop       error                          // nil: none
	Latency        [len(LatencyBounds) + 1]uint64 // answers by the time since the first transmission
	LatencySeconds float64                        // the sum of these times
}

// Stats are the counters of a Client.
type Stats struct {
	Servers     []ServerStats
	Outstanding int    // requests that wait for an answer
	Queued      int    // requests that wait to be sent
	Busy        uint64 // requests refused as the queue was full
}

// counters are a server's.
type counters struct {
	mu sync.Mutex
	ServerStats
}

func (c *counters) update(change func(*ServerStats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.ServerStats)
}

func (c *counters) drop(why error) {
	c.update(func(s *ServerStats) {
		if s.Drops == nil {
			s.Drops = map[error]uint64{}
		}
		s.Drops[why]++
		s.LastDrop = why
	})
}

// answered records an answer, after a time.
func (c *counters) answered(after time.Duration) {
	class := 0
	for class < len(LatencyBounds) && after > LatencyBounds[class] {
		class++
	}
	c.update(func(s *ServerStats) {
		s.Answers++
		s.Latency[class]++
		s.LatencySeconds += after.Seconds()
	})
}

func (c *counters) read() ServerStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.ServerStats
	s.Drops = maps.Clone(s.Drops)
	return s
}

// Stats returns the counters.
func (c *Client) Stats() Stats {
	s, sets := Stats{Busy: c.busy.Load()}, c.sets()
	for _, set := range sets {
		s.Outstanding += len(set.outstanding)
		s.Queued += int(set.queued.Load())
	}
	for _, server := range sets[0].servers {
		one := server.stats.read()
		one.Addr, one.Dead = server.Addr, server.isDead()
		s.Servers = append(s.Servers, one)
	}
	return s
}
