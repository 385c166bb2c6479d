package scripts

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"upppoe/internal/ratelimit"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// Defaults of PoolConfig.
const (
	DefaultWorkers = 4
	DefaultQueue   = 16_384
)

// PoolConfig configures a Pool.
type PoolConfig struct {
	Config
	// SharedDevice is the name of the network device of all sessions.
	SharedDevice string
	// Workers is how many scripts run at a time; 0: DefaultWorkers.
	Workers int
	// Queue is how many scripts may wait; 0: DefaultQueue.
	Queue int
}

// Pool runs the scripts of the sessions that share a device: auth-up, ip-up, ipv6-up, and the
// scripts for the end of what those were run for. Scripts of a session run in turn, and what has
// ended before its script has begun is skipped, as in pppd. The scripts of devices (net-init,
// net-pre-up, net-down, ip-pre-up) are not run. Its methods may be called concurrently.
type Pool struct {
	workers, limit int
	present        *presence
	run            func(ctx context.Context, c *caller, name string, with *call) // a test replaces it
	ctx            context.Context
	kill           context.CancelFunc
	reports        *ratelimit.Limiter

	mu       sync.Mutex
	cfg      *PoolConfig // of new sessions
	sessions map[pppoe.SessionKey]*pooled
	queue    *list.List // of *pair
	running  int        // workers
	busy     int        // scripts that run
	dropped  uint64
	idle     *sync.Cond // broadcast when a worker ends
}

// PoolStats are the counters of a Pool.
type PoolStats struct {
	Sessions int    // that have scripts to be run at their end, or that wait
	Queued   int    // scripts that wait
	Running  int    // scripts that run
	Dropped  uint64 // scripts that were not run, as too many waited or the server ended
}

// dropReportPeriod is the time between two warnings that scripts were not run.
const dropReportPeriod = 10 * time.Second

// NewPool returns a pool that runs no script yet.
func NewPool(cfg PoolConfig) *Pool {
	p := &Pool{
		workers: cfg.Workers, limit: cfg.Queue, present: newPresence(), sessions: make(map[pppoe.SessionKey]*pooled), queue: list.New(),
		run:     func(ctx context.Context, c *caller, name string, with *call) { c.run(ctx, name, with) },
		reports: ratelimit.New(1, dropReportPeriod),
	}
	if p.workers == 0 {
		p.workers = DefaultWorkers
	}
	if p.limit == 0 {
		p.limit = DefaultQueue
	}
	p.ctx, p.kill = context.WithCancel(context.Background())
	p.idle = sync.NewCond(&p.mu)
	p.Use(cfg)
	return p
}

// Use replaces the configuration for new sessions, except Workers and Queue.
func (p *Pool) Use(cfg PoolConfig) {
	p.present.look(&cfg.Config)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg = &cfg
}

// Notify must be called with the sessions' events, those of one session in order. It does not
// block. Where no script exists nothing is queued.
func (p *Pool) Notify(l pppoe.SessionInfo, event pppoe.Event) {
	switch e := event.(type) {
	case session.Authenticated:
		if e.Peer && !e.Repeated {
			l.User = e.Name // which later events have
			p.change(l, func(s *pooled) { p.up(s, pairAuth, nil) })
		}
	case pppoe.Configured:
		if p.concerns(l) {
			p.configured(l, e)
		}
	case pppoe.Adopted:
		p.change(l, func(s *pooled) { p.adopted(s, e) })
	case pppoe.NetworkLost:
		which := pairIPv6
		if e.Protocol == ppp.IPCP {
			which = pairIP
		}
		p.change(l, func(s *pooled) { p.down(s, which, &traffic{e.Uptime, e.Counters}) })
	case pppoe.Ended:
		p.change(l, func(s *pooled) { p.down(s, pairAuth, &traffic{e.Uptime, e.Counters}) })
	}
}

// Stats returns the counters.
func (p *Pool) Stats() PoolStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{Sessions: len(p.sessions), Queued: p.queue.Len(), Running: p.busy, Dropped: p.dropped}
}

// Close runs the scripts that wait, for at most Config.Timeout (zero: without limit). Then running
// ones get SIGTERM, and SIGKILL a second later, and the others are not run. Sessions must have
// ended.
func (p *Pool) Close() {
	p.mu.Lock()
	if timeout := p.cfg.Timeout; timeout > 0 {
		defer time.AfterFunc(timeout, p.kill).Stop()
	}
	for p.running > 0 {
		p.idle.Wait()
	}
	left, log := p.queue.Len(), p.cfg.Log
	p.dropped += uint64(left)
	p.mu.Unlock()
	p.kill()
	if n := left + p.reports.TakeSuppressed(); n > 0 {
		log.Warn(fmt.Sprintf("%d scripts of sessions were not run", n))
	}
}
