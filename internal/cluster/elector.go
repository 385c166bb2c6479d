package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Errors of Elector.Run: the machine was active, and is not any more. Nothing has been sent since the
// deadline that Fence was given.
var (
	ErrLost     = errors.New("another machine has become active")
	ErrResigned = errors.New("this machine has resigned in favour of another")
)

// Elector elects the active machine. Run must be called once; the other methods may be called concurrently.
type Elector struct {
	cfg       Config
	created   time.Time
	wakeup    chan struct{} // capacity 1: the loop has something to do
	announced chan struct{} // closed when etcd has the key of this machine as standby
	announce  sync.Once     // closes it
	withdrawn chan struct{} // closed when etcd has no such key any more, after Withdraw
	withdraw  sync.Once     // closes it
	ended     chan struct{} // closed when Run has returned

	mu        sync.Mutex // guards the following
	right     *right
	secret    []byte        // of messages on the segment
	deleted   bool          // etcd does not have the keys that are written once
	fence     Time          // that Config.Fence was given last
	active    chan struct{} // closed when the machine has become active
	revision  int64         // of etcd, when it did
	lost      bool
	usable    int  // interfaces
	leaving   bool // Withdraw was called
	standbys  standbys
	asked     map[[16]byte]Time // when a question was sent, by its nonce
	lastError error             // of the last request to etcd
	said      Reason            // of errors
}

// newElector returns an Elector that has joined the cluster.
func newElector(cfg Config, secret []byte) *Elector {
	e := &Elector{
		cfg: cfg, secret: secret, wakeup: make(chan struct{}, 1),
		active: make(chan struct{}), announced: make(chan struct{}), withdrawn: make(chan struct{}), ended: make(chan struct{}),
		right: newRight(cfg.Name, cfg.others(), cfg.Timing), asked: make(map[[16]byte]Time),
	}
	cfg.Fence(0)
	return e
}

// Active waits until this machine is active, and returns the revision of etcd at which it has become so:
// records of earlier owners are older.
func (e *Elector) Active(ctx context.Context) (revision int64, err error) {
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-e.active:
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.revision, nil
	}
}

// Announced waits until etcd has it that this machine is standby: from then on an active one finds it.
func (e *Elector) Announced(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-e.announced:
		return nil
	}
}

// Created returns when the cluster was made, by the clock of the machine that was the first.
func (e *Elector) Created() time.Time { return e.created }

// Term returns how many active machines there were, this one included. It must be active.
func (e *Elector) Term() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.right.owner.Term
}

// IsOwner returns the condition of what the active machine writes to etcd. It must be active.
func (e *Elector) IsOwner() clientv3.Cmp {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.isOwner(e.right.owner)
}

func (e *Elector) isOwner(o Owner) clientv3.Cmp {
	return clientv3.Compare(clientv3.Value(e.cfg.Prefix+ownerKey), "=", o.value())
}

// Run takes part in the election until the context ends, or the machine was active and is not any more: the
// error is ErrLost or ErrResigned then.
func (e *Elector) Run(ctx context.Context) error {
	defer close(e.ended)
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { e.watch(ctx) })
	if e.cfg.Segment != nil {
		running.Go(func() { e.listen(ctx) })
	}
	err := e.loop(ctx)
	stop()
	if e.cfg.Segment != nil {
		e.cfg.Segment.Close()
	}
	running.Wait()
	return err
}

func (e *Elector) loop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
		case <-e.wakeup:
		}
		e.askForConsent()
		e.request(ctx)
		if err := e.resignIfWorse(ctx); err != nil {
			return err
		}
		if e.hasLost() {
			return ErrLost
		}
		timer.Reset(e.pause())
	}
}

func (e *Elector) wake() {
	select {
	case e.wakeup <- struct{}{}:
	default: // already woken
	}
}

// pause is how long until the next request.
func (e *Elector) pause() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	pause := e.right.Renew
	if until := e.right.acquirable() - Now(); !e.right.mine && until > 0 {
		pause = min(pause, until)
	}
	return pause
}

func (e *Elector) hasLost() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost
}

// apply sets the fence to the deadline, if that has changed. e.mu is held.
func (e *Elector) apply() {
	if deadline := e.right.deadline(); deadline != e.fence {
		e.fence = deadline
		e.cfg.Fence(deadline)
	}
}

// Status is the state of an Elector.
type Status struct {
	IsActive   bool   // this machine is
	ByConsent  bool   // it has no lease now, but the consent of the others
	HasStandby bool   // another machine would take over at once
	Active     string // the active machine, as far as is known; empty: none
	Term       uint64
	Err        error // of the last request to etcd; nil: it was answered
}

// Status returns the state.
func (e *Elector) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.right
	lease := r.renewed + r.Lease - r.Guard
	return Status{
		IsActive: r.mine, ByConsent: r.mine && len(r.others) > 0 && r.deadline() > lease, HasStandby: e.hasStandby(),
		Active: r.owner.Machine, Term: r.owner.Term, Err: e.lastError,
	}
}
