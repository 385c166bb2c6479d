package accounting

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	layeh "layeh.com/radius"
	"layeh.com/radius/rfc2866"

	"upppoe/internal/deadlines"
	"upppoe/internal/ratelimit"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
)

// Accounting accounts for sessions. Its methods may be called concurrently.
type Accounting struct {
	cfg      Config
	origin   time.Time
	sessions Sessions

	mu       sync.Mutex
	stopping bool
	accounts map[uint64]*accounted // by generation
	timers   deadlines.Compact[*accounted]
	inbox    []record
	stats    Stats

	wake, due   chan struct{} // the inbox has records; a timer is earlier than before
	spool       store
	spoolErrors *ratelimit.Limiter // limits lines about them
	refusals    *ratelimit.Limiter // limits lines about records that no server answers
	cancel      context.CancelFunc
	running     sync.WaitGroup
}

// New returns an Accounting that is not started. The error is ErrConfig (wrapped), or the spool's.
func New(cfg Config) (*Accounting, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Accounting{
		cfg: cfg, origin: time.Now(), accounts: make(map[uint64]*accounted),
		wake: make(chan struct{}, 1), due: make(chan struct{}, 1), spool: &memoryStore{},
		spoolErrors: ratelimit.New(1, time.Minute), refusals: ratelimit.New(1, time.Minute),
	}
	if cfg.Spool != "" {
		if a.spool, err = openSpool(cfg.Spool, cfg.Log); err != nil {
			return nil, err
		}
	}
	a.stats.pending = a.spool.len()
	return a, nil
}

// Start begins to send records: Accounting-On first, unless sessions of an earlier program are continued,
// as servers take it that all sessions have ended. sessions is what interim records are read from.
func (a *Accounting) Start(sessions Sessions, continues bool) {
	a.sessions = sessions
	if !continues {
		a.add(a.nasRecord(kindOn))
	}
	a.run()
}

// Stopping makes the stop records of sessions that the server ends from now on say so.
func (a *Accounting) Stopping() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stopping = true
}

// Close sends Accounting-Off and what has not been sent, for at most a time, and stores the rest. The
// server must have ended.
func (a *Accounting) Close(within time.Duration) error {
	if a.cancel == nil {
		return a.spool.close() // it was not started
	}
	a.add(a.nasRecord(kindOff))
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting && !a.Stats().idle(); {
		select {
		case <-deadline.C:
			waiting = false
		case <-tick.C:
		}
	}
	a.cancel()
	a.running.Wait()
	return a.spool.close()
}

func (a *Accounting) nasRecord(k kind) record {
	p := &layeh.Packet{Code: layeh.CodeAccountingRequest}
	a.cfg.NAS.AddTo(p)
	// RFC 2866 section 5.5 requires it in each record.
	rfc2866.AcctSessionID_SetString(p, a.cfg.NAS.SessionID(0))
	return newRecord(k, "", time.Now(), p)
}

// Notify handles an event of a session. It is a pppoe.ServerConfig.Notify, and does not block.
func (a *Accounting) Notify(s pppoe.SessionInfo, e pppoe.Event) {
	switch e := e.(type) {
	case pppoe.Configured:
		a.configured(s, e)
	case pppoe.Adopted:
		a.adopted(s, e)
	case pppoe.PolicyChanged:
		a.policyChanged(s, e.Policy)
	case pppoe.Ended:
		a.ended(s, e)
	}
}

// configured starts the accounting of a session, or of another user of it, or records further
// addresses.
func (a *Accounting) configured(s pppoe.SessionInfo, e pppoe.Configured) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	known := a.accounts[s.Generation]
	if known == nil || known.info.User != s.User {
		if known != nil {
			a.stop(known, known.before, rfc2866.AcctTerminateCause_Value_UserRequest, now)
		}
		known = &accounted{info: s, began: now}
		a.accounts[s.Generation] = known
		a.setPolicy(known, e.Policy)
		known.setAddresses(e.Addressing)
		a.addLocked(newRecord(kindStart, a.cfg.NAS.SessionID(s.Generation), now, a.packet(known)))
		a.keep(known)
		return
	}
	a.setPolicy(known, e.Policy)
	known.setAddresses(e.Addressing)
	a.schedule(known, addressDelay)
}

// addressDelay is when an interim record has a further address: DHCPv6 follows.
const addressDelay = 5 * time.Second

func (s *accounted) setAddresses(a pppoe.Addressing) {
	s.addresses.ipv4, s.addresses.interfaceID = a.IPv4.Remote, a.IPv6.Remote
}

func (a *Accounting) setPolicy(s *accounted, p *pppoe.SessionPolicy) {
	s.class, s.interim = p.Class, a.cfg.Interim
	switch {
	case p.InterimInterval > 0:
		s.interim = p.InterimInterval
	case p.InterimInterval < 0:
		s.interim = 0
	}
	a.scheduleNext(s)
}

// SetInterim replaces Config.Interim, for sessions that begin from then on.
func (a *Accounting) SetInterim(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cfg.Interim = d
}

func (a *Accounting) policyChanged(s pppoe.SessionInfo, p *pppoe.SessionPolicy) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.accounts[s.Generation]; known != nil {
		a.setPolicy(known, p)
	}
}

func (a *Accounting) ended(s pppoe.SessionInfo, e pppoe.Ended) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.accounts[s.Generation]; known != nil {
		a.stop(known, e.Counters, terminateCause(e.Reason.Cause, a.stopping), time.Now())
	}
}

// stop adds a session's stop record, and forgets the session.
func (a *Accounting) stop(s *accounted, c datapath.Counters, cause rfc2866.AcctTerminateCause, now time.Time) {
	a.timers.Remove(s)
	delete(a.accounts, s.info.Generation)
	p := a.packet(s)
	addUsage(p, s.usage(c, now))
	rfc2866.AcctTerminateCause_Set(p, cause)
	a.addLocked(newRecord(kindStop, a.cfg.NAS.SessionID(s.info.Generation), now, p))
}

// jitter is by how much an interval varies (RFC 5080 section 2.2.1: within 10 %), so that sessions that
// began together do not report together.
const jitter = 0.1

// scheduleNext sets the timer of a session's next interim record.
func (a *Accounting) scheduleNext(s *accounted) {
	if s.interim == 0 {
		a.timers.Remove(s)
		return
	}
	a.schedule(s, time.Duration(float64(s.interim)*(1+jitter*(2*rand.Float64()-1))))
}

func (a *Accounting) schedule(s *accounted, after time.Duration) {
	a.timers.Set(s, time.Since(a.origin)+after)
	notify(a.due)
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// interims makes the interim records that are due.
func (a *Accounting) interims(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		for s := a.nextDue(); s != nil && ctx.Err() == nil; s = a.nextDue() {
			a.interim(s)
		}
		a.mu.Lock()
		at, ok := a.timers.Next()
		a.mu.Unlock()
		wait := time.Hour
		if ok {
			wait = max(at-time.Since(a.origin), 0)
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-a.due:
		case <-timer.C:
		}
	}
}

func (a *Accounting) nextDue() *accounted {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.timers.Pop(time.Since(a.origin))
	if !ok {
		return nil
	}
	a.scheduleNext(s)
	return s
}

// interim makes an interim record of a session, unless it has ended meanwhile.
func (a *Accounting) interim(s *accounted) {
	status, err := a.sessions.Session(s.info.Key())
	if err != nil {
		return // its stop record follows
	}
	// After a kill the counters of the session must not be less than the accounting server has been told.
	a.sessions.RecordCounters(s.info.Key())
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.accounts[s.info.Generation] != s {
		return
	}
	s.addresses.prefixes = slices.DeleteFunc(slices.Clone(status.Prefixes), func(p netip.Prefix) bool { return !p.IsValid() })
	now, p := time.Now(), a.packet(s)
	addUsage(p, s.usage(status.Counters, now))
	a.addLocked(newRecord(kindInterim, a.cfg.NAS.SessionID(s.info.Generation), now, p))
}
