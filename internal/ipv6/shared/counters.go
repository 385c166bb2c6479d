package shared

import (
	"errors"
	"sync"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/radv"
)

// Stats are a Service's counters.
type Stats struct {
	Sessions int
	// Received and Sent are packets from and to peers.
	Received, Sent uint64
	// Exhausted is how often nothing could be assigned because a pool had nothing free.
	Exhausted uint64
	// Drops are received packets that were dropped, and replies that could not be sent, by reason:
	// one of the errors of this package, radv or dhcp6.
	Drops map[error]uint64
}

// reasons are the keys of Stats.Drops, except for those that are not wrapped.
var reasons = []error{
	radv.ErrHopLimit, radv.ErrSource, radv.ErrMessage, radv.ErrOption, radv.ErrTarget,
	dhcp6.ErrMessage, dhcp6.ErrUnexpected, dhcp6.ErrClient, dhcp6.ErrServer, dhcp6.ErrRate,
}

// counters are safe for concurrent use.
type counters struct {
	mu sync.Mutex
	Stats
}

// update changes the counters.
func (c *counters) update(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.Stats)
}

// drop counts a dropped packet, unless the reason is nil.
func (c *counters) drop(reason error) {
	if reason == nil {
		return
	}
	for _, r := range reasons {
		if errors.Is(reason, r) {
			reason = r
		}
	}
	c.update(func(s *Stats) {
		if s.Drops == nil {
			s.Drops = make(map[error]uint64)
		}
		s.Drops[reason]++
	})
}

// read returns a copy.
func (c *counters) read() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.Stats
	s.Drops = make(map[error]uint64, len(c.Drops))
	for reason, n := range c.Drops {
		s.Drops[reason] = n
	}
	return s
}
