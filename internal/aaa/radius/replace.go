package radius

import (
	"reflect"
	"slices"
	"sync/atomic"
)

// serverSet is the servers of a Client and the requests to them. A Client that is given others sends new
// requests to them; those that have begun end with the servers they began with.
type serverSet struct {
	cfg         ClientConfig
	servers     []*server
	outstanding chan struct{}
	queued      atomic.Int64
	turn        atomic.Uint64
	users       int // requests that use it, guarded by Client.mu
}

// newServerSet returns a set in which a server has the counters of the one of that address before; nil:
// there was none. cfg must have its defaults.
func newServerSet(cfg ClientConfig, before *serverSet) *serverSet {
	set := &serverSet{cfg: cfg, outstanding: make(chan struct{}, cfg.MaxOutstanding)}
	for _, s := range cfg.Servers {
		set.servers = append(set.servers, &server{Server: s, cfg: &set.cfg, stats: before.countersOf(s)})
	}
	return set
}

// countersOf returns the counters of the server of that address, or new ones.
func (set *serverSet) countersOf(s Server) *counters {
	if set != nil {
		for _, old := range set.servers {
			if old.Addr == s.Addr {
				old.stats.update(func(c *ServerStats) { c.LastDrop = nil }) // the reason may be an old secret
				return old.stats
			}
		}
	}
	return &counters{}
}

func (set *serverSet) close() {
	for _, s := range set.servers {
		s.close()
	}
}

// Prepare checks a configuration, and returns what makes the client use it: requests that have begun end
// as they would have; new ones go to its servers, of which none is known to be dead. Nothing happens if
// the configuration is the one that is used. Counters of servers whose address stays go on. The error is
// ErrConfig (wrapped), and names the field.
func (c *Client) Prepare(cfg ClientConfig) (replace func(), err error) {
	if cfg, err = cfg.withDefaults(); err != nil {
		return nil, err
	}
	return func() { c.replace(cfg) }, nil
}

func (c *Client) replace(cfg ClientConfig) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.current
	if sameValues(old.cfg, cfg) || c.ctx.Err() != nil {
		return
	}
	c.current = newServerSet(cfg, old)
	if old.users == 0 {
		old.close()
		return
	}
	c.replaced = append(c.replaced, old)
}

// sameValues compares everything but functions and the log.
func sameValues(a, b ClientConfig) bool {
	a.Log, a.Listen = nil, nil
	b.Log, b.Listen = nil, nil
	return reflect.DeepEqual(a, b)
}

// use returns the servers for a request. release must follow.
func (c *Client) use() *serverSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current.users++
	return c.current
}

// retain is use for a set that the caller uses.
func (c *Client) retain(set *serverSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set.users++
}

// release ends a use. The last one of servers that were replaced closes their sockets.
func (c *Client) release(set *serverSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set.users--
	if i := slices.Index(c.replaced, set); i >= 0 && set.users == 0 {
		c.replaced = slices.Delete(c.replaced, i, i+1)
		set.close()
	}
}

// sets returns the current servers, and after them those that requests still use.
func (c *Client) sets() []*serverSet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*serverSet{c.current}, c.replaced...)
}
