package allactive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"upppoe/internal/cluster"
)

// Sessions are the sessions of this machine's server. Its methods may be called concurrently.
type Sessions interface {
	// End ends a session, by its generation, unless it has ended. It does not wait.
	End(session uint64, why string)
	// Check sends the peer of a session an echo request.
	Check(session uint64)
	// EndIn ends the sessions that have something of some prefixes, and waits for that.
	EndIn(blocks []netip.Prefix, why string)
	// EndAll ends all sessions, and waits for that.
	EndAll(why string)
	// Refuse refuses new sessions, until it is called with nil.
	Refuse(why error)
}

// Member is this machine in a cluster of which all machines are active. Run must not be called twice at a time; the other
// methods may be called concurrently.
type Member struct {
	cfg    Config
	batch  *batcher
	wakeup chan struct{} // capacity 1: the loop has something to do

	mu       sync.Mutex // guards the following
	sessions Sessions   // nil: before Serve
	running  context.Context
	pools    []*poolState
	hold     lease
	live     lease
	identity string // of the data in etcd
	since    Time   // when it was seen first
	complete bool   // all machines have joined under it
	answered Time   // when the last request began that etcd has answered
	revision int64  // of etcd, at the last answer that had one
	err      error  // why etcd does not answer; nil: it has answered the last request
	said     cluster.Reason
	refusing bool  // err is of another request than a renewal
	waiting  bool  // Join waits for etcd, and says why
	joined   bool  // the keys of this machine in etcd are those that it has
	doubt    bool  // they may not be
	expired  bool  // the sessions have been ended, as the blocks are not this machine's any more
	blocked  Time  // since when the name is in use by another machine; 0: it is not
	ready    bool  // there was a block of each pool
	refused  error // why no session may begin; nil: they may
	machines map[string]liveValue
	taken    map[string]string // owners of blocks, by key
	leasing  map[string]bool   // blocks whose keys are being written
	left     bool              // Leave was called
	claims   claims
	stale    []string          // keys of claims that are not needed any more, and may have been written
	settled  bool              // the sessions of earlier programs have their claims, or have ended
	problems map[string]string // what was logged of other machines, by name

	keeping   sync.Mutex // held while something is kept; taken before mu
	keepErr   error      // of that
	keptUntil Time       // the deadline that was kept
}

// lease is a lease of etcd.
type lease struct {
	id    LeaseID
	began Time          // when the last successful renewal was begun
	ttl   time.Duration // for which it was granted; 0: that is not known
}

// Errors of Join and Run.
var (
	ErrSameName = errors.New("another machine with this name is alive")
	ErrLayout   = errors.New("the blocks in etcd are others")
	ErrAway     = errors.New("etcd does not answer")
)

// longAgo is before everything.
const longAgo Time = -1 << 62

// Join returns a Member once etcd has answered, however long that takes: until the context ends. With a Config.Kept
// that is usable it does not wait: Run joins later. pools are those that the machine assigns from, without their
// Addresses yet: see Serve. The error wraps one of Config.Check, ErrLayout or ErrSameName, with what to do.
func Join(ctx context.Context, cfg Config, pools []Pool) (*Member, error) {
	cfg.withDefaults()
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	m := &Member{
		cfg: cfg, wakeup: make(chan struct{}, 1), answered: longAgo, machines: make(map[string]liveValue), taken: make(map[string]string),
		leasing: make(map[string]bool), claims: newClaims(), problems: make(map[string]string), running: ctx,
	}
	m.batch = &batcher{commit: m.commit}
	m.setPools(pools)
	inherits := cfg.Kept.IsUsable(cfg.Now(), cfg.Timing)
	if inherits {
		m.inherit(cfg.Kept)
	}
	m.setWaiting(true)
	defer m.setWaiting(false)
	for said := (cluster.Reason{}); ; {
		err := m.join(ctx)
		switch {
		case err == nil:
			return m, nil
		case isFatal(err):
			return nil, err
		case inherits && !m.answers(): // otherwise it may be that another program has the name
			cfg.Log.Warn(fmt.Sprintf("cluster: etcd does not answer: the sessions of the earlier program go on: %v", err))
			return m, nil
		}
		if said.IsDue(cfg.Now()) {
			if text := m.explain(ctx, err).Error(); said.IsNew(cfg.Now(), text) {
				cfg.Log.Warn("cluster: waiting for etcd: " + text)
			}
		}
		if !m.pause(ctx, cfg.Timing.Tick) {
			return nil, ctx.Err()
		}
	}
}

func (m *Member) setWaiting(is bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = is
}

func isFatal(err error) bool { return errors.Is(err, ErrSameName) || errors.Is(err, ErrLayout) }

// Serve is called before Run: from then on sessions may have addresses. addresses has those of each pool.
func (m *Member) Serve(sessions Sessions, addresses func(Pool) Addresses) {
	m.mu.Lock()
	m.sessions = sessions
	var own []netip.Prefix
	for _, p := range m.pools {
		p.Addresses = addresses(p.Pool)
		own = slices.AppendSeq(own, maps.Keys(p.own))
	}
	m.mu.Unlock()
	for _, block := range own {
		m.provide(block)
	}
	m.admit()
}

// Run keeps what this machine has in etcd, until the context ends, or another machine has its name: the error
// is ErrSameName then, and all sessions have ended. It may be called again when it has returned.
func (m *Member) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	m.mu.Lock()
	m.running = ctx
	m.mu.Unlock()
	var following sync.WaitGroup
	following.Go(func() { m.follow(ctx, liveKey, m.resetMachines, m.machineChanged) })
	following.Go(func() { m.follow(ctx, blockKey, m.resetTaken, m.takenChanged) })
	following.Go(func() { m.follow(ctx, askKey+m.cfg.Name+"/", m.resetQuestions, m.questionChanged) })
	err := m.loop(ctx)
	stop()
	following.Wait()
	m.keep()
	return err
}

// loop is the only one that changes which blocks the machine has, except for leaseFixed.
func (m *Member) loop(ctx context.Context) error {
	for {
		if err := m.keepAlive(ctx); err != nil {
			return err
		}
		m.checkDeadline()
		if m.isConnected() {
			m.balance(ctx)
			m.confirm(ctx)
			m.deleteStale(ctx)
		}
		m.keepAgain()
		m.admit()
		if !m.pause(ctx, m.cfg.Timing.Tick) {
			return ctx.Err()
		}
	}
}

// pause waits, or until something is to be done; false: the context has ended.
func (m *Member) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-m.wakeup:
	}
	return true
}

func (m *Member) wake() {
	select {
	case m.wakeup <- struct{}{}:
	default: // already woken
	}
}

// keepAlive renews the leases, and joins again where that is needed. The error is fatal.
func (m *Member) keepAlive(ctx context.Context) error {
	m.mu.Lock()
	due := m.cfg.Now()-m.live.began >= m.cfg.Timing.Live/4 || !m.joined || m.doubt
	m.mu.Unlock()
	if !due {
		return nil
	}
	if err := m.renew(ctx); err != nil {
		return nil
	}
	m.mu.Lock()
	again := !m.joined || m.doubt
	m.mu.Unlock()
	if !again {
		return nil
	}
	err := m.join(ctx)
	if isFatal(err) {
		m.endAll(err.Error())
		return err
	}
	return nil
}

// renew renews both leases. The error is why etcd did not answer.
func (m *Member) renew(ctx context.Context) error {
	m.mu.Lock()
	hold, live := m.hold.id, m.live.id
	m.mu.Unlock()
	for _, of := range []struct {
		id   LeaseID
		kept func(began Time, ttl time.Duration)
	}{{hold, m.holdRenewed}, {live, func(began Time, _ time.Duration) { m.live.began = began }}} {
		if of.id == 0 {
			continue
		}
		began := m.cfg.Now()
		ttl, err := m.renewLease(ctx, of.id)
		m.mu.Lock()
		switch {
		case errors.Is(err, ErrNoLease):
			m.joined = false
		case err == nil:
			of.kept(began, ttl)
		}
		m.mu.Unlock()
		if err != nil && !errors.Is(err, ErrNoLease) {
			return err
		}
	}
	return nil
}

// renewLease renews a lease, returns for how long, and notes the revision of etcd.
func (m *Member) renewLease(ctx context.Context, id LeaseID) (ttl time.Duration, err error) {
	err = m.requestOf(ctx, true, func(ctx context.Context) (err error) {
		var revision int64
		ttl, revision, err = m.cfg.Store.Renew(ctx, id)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.revision = max(m.revision, revision)
		return err
	})
	return ttl, err
}

// holdRenewed moves the deadline. m.mu is held.
func (m *Member) holdRenewed(began Time, ttl time.Duration) {
	if m.joined {
		m.hold.began, m.hold.ttl = began, ttl
		m.cfg.Fence(m.deadline())
	}
}

// deadline is until when this machine may send. A lease that an earlier program was granted may end before Hold,
// if that was less then. m.mu is held.
func (m *Member) deadline() Time {
	ends := m.cfg.Timing.Hold
	if m.hold.ttl != 0 {
		ends = min(ends, m.hold.ttl)
	}
	return m.hold.began + ends - m.cfg.Timing.Guard
}

// request makes a request to etcd within its timeout, and notes whether it was answered.
func (m *Member) request(ctx context.Context, do func(ctx context.Context) error) error {
	return m.requestOf(ctx, false, do)
}

// requestOf is request. The renewal of a lease is also granted to a client whose other requests etcd refuses, as its
// password is another now: so it does not end their error.
func (m *Member) requestOf(ctx context.Context, renewal bool, do func(ctx context.Context) error) error {
	began := m.cfg.Now()
	ctx, cancel := context.WithTimeout(ctx, m.cfg.Timing.Timeout)
	defer cancel()
	err := do(ctx)
	if err != nil && !errors.Is(err, ErrNoLease) {
		m.failed(ctx, renewal, err)
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if renewal && m.refusing {
		return err
	}
	if m.err != nil && began > m.answered {
		m.cfg.Log.Info("cluster: etcd answers again")
	}
	m.answered, m.err, m.refusing, m.said = max(m.answered, began), nil, false, cluster.Reason{}
	return err
}

// failed notes that etcd has not answered.
func (m *Member) failed(ctx context.Context, renewal bool, err error) {
	m.mu.Lock()
	m.doubt = true
	m.refusing = m.refusing || !renewal
	if m.err == nil {
		m.err = err
	}
	due := m.said.IsDue(m.cfg.Now()) && !m.waiting
	m.mu.Unlock()
	if !due {
		return
	}
	err = m.explain(context.WithoutCancel(ctx), err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil { // otherwise etcd has answered meanwhile
		m.err = err
	}
	if m.said.IsNew(m.cfg.Now(), err.Error()) {
		m.cfg.Log.Warn(fmt.Sprintf("cluster: etcd: %v", err))
	}
}

// explain is Config.Explain.
func (m *Member) explain(ctx context.Context, err error) error {
	if m.cfg.Explain == nil {
		return err
	}
	return m.cfg.Explain(ctx, err)
}

// commit is the batcher's: one write.
func (m *Member) commit(ctx context.Context, all []Txn) (results []Result, err error) {
	err = m.request(ctx, func(ctx context.Context) (err error) {
		results, err = m.cfg.Store.Commit(ctx, all)
		return err
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range results {
		m.revision = max(m.revision, r.Revision)
	}
	return results, err
}

// isConnected reports whether etcd answers, and has what this machine has.
func (m *Member) isConnected() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.connected()
}

// connected is isConnected. m.mu is held.
func (m *Member) connected() bool {
	return m.joined && !m.isAway()
}

// answers reports whether etcd has answered the last request.
func (m *Member) answers() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err == nil
}

// isAway reports whether etcd has not answered for Timing.Away. m.mu is held.
func (m *Member) isAway() bool { return m.err != nil && m.cfg.Now()-m.answered >= m.cfg.Timing.Away }

// checkDeadline ends all sessions Guard before nothing can be sent any more.
func (m *Member) checkDeadline() {
	m.mu.Lock()
	over := !m.expired && m.cfg.Now() >= m.deadline()-m.cfg.Timing.Guard
	m.mu.Unlock()
	if over {
		m.cfg.Log.Error(fmt.Sprintf("cluster: etcd does not answer for %v: all sessions end, as others may have their addresses from then on", m.cfg.Timing.Hold-2*m.cfg.Timing.Guard))
		m.endAll("the machine is cut off from the cluster")
	}
}

// endAll ends all sessions, and forgets the blocks.
func (m *Member) endAll(why string) {
	m.mu.Lock()
	m.expired, m.joined, m.ready = true, false, false
	sessions := m.sessions
	var lost []netip.Prefix
	for _, p := range m.pools {
		for block := range p.own {
			lost = append(lost, block)
		}
	}
	m.mu.Unlock()
	m.admit()
	m.keep()
	if sessions != nil {
		sessions.EndAll(why)
	}
	for _, block := range lost {
		m.forget(block)
	}
}

// admit tells the server whether sessions may begin.
func (m *Member) admit() {
	m.mu.Lock()
	var why error
	switch {
	case m.expired:
		why = fmt.Errorf("cluster: %w, and the blocks of addresses are not held any more", ErrAway)
	case m.isAway() && m.cfg.RefuseAway:
		why = fmt.Errorf("cluster: %w", ErrAway)
	case !m.hasBlocks():
		why = errNoBlocks
	}
	changed := (why == nil) != (m.refused == nil)
	sessions := m.sessions
	if sessions != nil {
		m.refused = why
	}
	m.mu.Unlock()
	if changed && sessions != nil {
		if why != nil {
			m.cfg.Log.Warn(fmt.Sprintf("%v: no session can begin", why))
		} else {
			m.cfg.Log.Info("cluster: sessions can begin")
		}
		sessions.Refuse(why)
	}
}

// errNoBlocks is why no session can begin at first.
var errNoBlocks = errors.New("cluster: the first blocks of each pool are not leased yet")

// hasBlocks reports whether there is a block of each pool, or there has been since the machine joined: a session that
// begins before has no addresses. m.mu is held.
func (m *Member) hasBlocks() bool {
	if !m.ready {
		m.ready = !slices.ContainsFunc(m.pools, func(p *poolState) bool { return len(p.own) == 0 && !p.said })
	}
	return m.ready
}

// follow keeps up with the keys of a prefix, until the context ends.
func (m *Member) follow(ctx context.Context, prefix string, reset func([]Pair), changed func(p Pair, deleted bool)) {
	for ctx.Err() == nil {
		all, revision, err := m.list(ctx, prefix)
		if err == nil {
			reset(all)
			m.cfg.Store.Watch(ctx, prefix, revision+1, changed)
		}
		select {
		case <-ctx.Done():
		case <-time.After(m.cfg.Timing.Tick):
		}
	}
}

// listTimeout bounds the time for all keys of a kind.
const listTimeout = 10 * time.Second

func (m *Member) list(ctx context.Context, prefix string) (all []Pair, revision int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	return m.cfg.Store.List(ctx, prefix)
}
