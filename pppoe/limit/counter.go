package limit

import (
	"iter"

	"upppoe/pppoe/wire"
)

// Counter limits how many sessions there are, or half-open sessions. Its memory grows with the
// sessions that exist, not with requests.
type Counter struct {
	what    Quantity
	limits  [scopes]int
	total   int
	clients map[Origin]int // nil: there is no limit of a client
	vlans   map[Origin]int // without the client
	ifaces  map[uint16]int
}

// NewCounter makes a counter of sessions or half-open sessions.
func NewCounter(what Quantity, l Limits) *Counter {
	c := &Counter{what: what, vlans: make(map[Origin]int), ifaces: make(map[uint16]int)}
	c.SetLimits(l, func(func(Origin) bool) {})
	return c
}

// SetLimits replaces the limits. They apply to sessions that begin later. The sessions that have been
// added are those of the origins: without a limit of a client, their clients were not counted.
func (c *Counter) SetLimits(l Limits, added iter.Seq[Origin]) {
	c.limits = l.effective(c.what)
	switch {
	case c.limits[PerClient] == 0:
		c.clients = nil
	case c.clients == nil:
		c.clients = make(map[Origin]int)
		for o := range added {
			c.clients[o]++
		}
	}
}

// Total returns the number of sessions.
func (c *Counter) Total() int { return c.total }

// Admit reports whether there may be one more session of an origin; the error, of type Exceeded,
// is the reason for refusing it.
func (c *Counter) Admit(o Origin) error {
	n := [scopes]int{PerClient: c.clients[o], PerVLAN: c.vlans[o.vlan()], PerInterface: c.ifaces[o.Interface], Total: c.total}
	for s, limit := range c.limits {
		if limit > 0 && n[s] >= limit {
			return Exceeded{c.what, Scope(s)}
		}
	}
	return nil
}

// Add counts a session of an origin.
func (c *Counter) Add(o Origin) {
	c.total++
	if c.clients != nil {
		c.clients[o]++
	}
	c.vlans[o.vlan()]++
	c.ifaces[o.Interface]++
}

// Remove is called once for each Add, when the session has ended, or is no longer half-open.
func (c *Counter) Remove(o Origin) {
	c.total--
	decrement(c.clients, o)
	decrement(c.vlans, o.vlan())
	decrement(c.ifaces, o.Interface)
}

// vlan returns the origin without the client.
func (o Origin) vlan() Origin {
	o.Client = wire.Addr{}
	return o
}

// decrement removes what has become 0. The map may be nil.
func decrement[K comparable](of map[K]int, key K) {
	switch n := of[key]; {
	case n > 1:
		of[key] = n - 1
	case n == 1:
		delete(of, key)
	}
}
