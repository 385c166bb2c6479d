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
