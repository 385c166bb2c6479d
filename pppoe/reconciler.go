package pppoe

import (
	"sync"

	"upppoe/pppoe/datapath"
)

// Limits of the goroutines of a reconciler. Configuring a session waits for scripts, and removing a
// device waits 25 to 50 ms for an RCU grace period of the kernel, which elapses for several devices
// at once. More workers than these would only wait for the kernel's lock of all interfaces (RTNL).
const (
	maxSetupWorkers   = 8
	maxRemovalWorkers = 8
)

// reconciler brings the host's network to the desired state of the sessions, outside of their loop,
// because that may take long. It changes several sessions at once, and one session by one worker at
// a time. A session is queued at most once, however often its peer renegotiates: the latest desired
// state counts. Removals of devices have a queue and workers of their own, so that new sessions do
// not wait for them.
type reconciler struct {
	network HostNetwork
	path    datapath.Path
	// report is called after each change, by the worker, and thus concurrently for different
	// sessions. The session has no other change until it returns.
	report func(*sessionState, actual)

	mu       sync.Mutex
	setups   reconcileQueue
	removals reconcileQueue
	workers  sync.WaitGroup
}

// reconcileQueue is a queue of sessions and its workers, which end when it is empty. It is guarded
// by the reconciler's lock.
type reconcileQueue struct {
	sessions   []*sessionState
	workers    int
	maxWorkers int
}

// desired is what a session wants of the host's network.
type desired struct {
	info   SessionInfo
	device bool // whether it has a device
	Addressing
}

// actual is what a session has of the host's network.
type actual struct {
	device     string // its name; empty: there is none
	addressing Addressing
	err        error
	gone       bool // the device is gone permanently
	counters   datapath.Counters
}

// reconcileState is the reconciler's record of a session. It is guarded by the reconciler's lock,
// except that actual belongs to the worker while busy.
type reconcileState struct {
	desired desired // the latest
	queued  bool    // in a queue, or will be when its worker has finished
	busy    bool    // a worker changes it
	actual
}

func newReconciler(host HostNetwork, path datapath.Path, report func(*sessionState, actual)) *reconciler {
	return &reconciler{
		network: host, path: path, report: report,
		setups:   reconcileQueue{maxWorkers: maxSetupWorkers},
		removals: reconcileQueue{maxWorkers: maxRemovalWorkers},
	}
}

// set sets what a session wants, and queues the session. It does not block. It must not be called
// concurrently with wait.
func (r *reconciler) set(s *sessionState, want desired) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.reconcile.desired = want
	if s.reconcile.queued {
		return
	}
	s.reconcile.queued = true
	if !s.reconcile.busy {
		r.enqueue(s)
	}
}

// wait waits until all queued sessions are reconciled and reported.
func (r *reconciler) wait() { r.workers.Wait() }

// enqueue adds a session that is not busy to its queue. The lock is held.
func (r *reconciler) enqueue(s *sessionState) {
	q := &r.setups
	if s.reconcile.isRemoval() {
		q = &r.removals
	}
	q.sessions = append(q.sessions, s)
	if q.workers < q.maxWorkers {
		q.workers++
		// Ends when the queue is empty.
		r.workers.Go(func() { r.work(q) })
	}
}

// isRemoval reports whether a session's device is to be removed. The lock is held, and the session
// is not busy.
func (c *reconcileState) isRemoval() bool { return !c.desired.device && c.device != "" }

// work reconciles the sessions of a queue until it is empty.
func (r *reconciler) work(q *reconcileQueue) {
	for {
		s, want := r.next(q)
		if s == nil {
			return
		}
		r.apply(s, want)
		r.report(s, s.reconcile.actual)
		r.finish(s)
	}
}

// next removes the next session from a queue; nil: the worker ends, as the queue is empty.
func (r *reconciler) next(q *reconcileQueue) (*sessionState, desired) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(q.sessions) > 0 {
		s := q.sessions[0]
		q.sessions[0] = nil
		q.sessions = q.sessions[1:]
		if q == &r.setups && s.reconcile.isRemoval() { // it ended while it was queued
			r.enqueue(s)
			continue
		}
		s.reconcile.queued, s.reconcile.busy = false, true
		return s, s.reconcile.desired
	}
	q.sessions = nil
	q.workers--
	return nil, desired{}
}

// finish makes a session available to other workers, and queues it again if its desired state has
// changed meanwhile.
func (r *reconciler) finish(s *sessionState) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.reconcile.busy = false
	if s.reconcile.queued {
		r.enqueue(s)
	}
}

// apply makes the changes from the actual to the desired state.
func (r *reconciler) apply(s *sessionState, want desired) {
	is := &s.reconcile.actual
	switch {
	case is.gone:
	case !want.device:
		r.close(is, want)
	case is.err == nil:
		r.open(is, want)
		r.configure(is, want)
	}
}

func (r *reconciler) open(is *actual, want desired) {
	if is.device != "" {
		return
	}
	dev, err := r.network.Open(want.info)
	if err != nil {
		is.err = err
		return
	}
	err = r.path.Add(datapath.Session{SessionID: want.info.SessionID, Local: want.info.Local, Peer: want.info.Peer, Device: dev})
	if err != nil {
		dev.Close()
		r.network.Close(want.info, Addressing{})
		is.err = err
		return
	}
	is.device = dev.Name()
}

func (r *reconciler) configure(is *actual, want desired) {
	if is.err != nil || is.addressing == want.Addressing {
		return
	}
	want.info.Device = is.device
	is.err = r.network.Configure(want.info, is.addressing, want.Addressing)
	is.addressing = want.Addressing
}

func (r *reconciler) close(is *actual, want desired) {
	if is.device != "" {
		is.counters = r.path.Remove(want.info.SessionID)
		want.info.Device = is.device
		r.network.Close(want.info, is.addressing)
	}
	is.gone = true
}
