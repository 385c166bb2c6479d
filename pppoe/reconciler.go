package pppoe

import (
	"sync"

	"upppoe/pppoe/datapath"
)

// reconciler makes the host's network what sessions want (desired), outside of their loop, since
// that may take long. A session is in the queue at most once, however often its peer renegotiates:
// the latest desired state counts.
type reconciler struct {
	network HostNetwork
	path    datapath.Path
	// report is called after each change, by the reconciler's goroutine.
	report func(*sessionState, actual)

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []*sessionState
	closed bool
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

// reconcileState is the reconciler's record of a session.
type reconcileState struct {
	desired desired // the latest; guarded by the reconciler's lock
	queued  bool    // guarded by the reconciler's lock
	actual          // only the reconciler's goroutine touches it
}

func newReconciler(host HostNetwork, path datapath.Path, report func(*sessionState, actual)) *reconciler {
	r := &reconciler{network: host, path: path, report: report}
	r.wake = sync.NewCond(&r.mu)
	return r
}

// set sets what a session wants, and queues the session.
func (r *reconciler) set(s *sessionState, want desired) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.reconcile.desired = want
	if !s.reconcile.queued {
		s.reconcile.queued = true
		r.queue = append(r.queue, s)
		r.wake.Signal()
	}
}

// stop makes run return once the queue is empty.
func (r *reconciler) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.wake.Broadcast()
}

// run reconciles queued sessions until stop.
func (r *reconciler) run() {
	for {
		s, want, ok := r.next()
		if !ok {
			return
		}
		r.apply(s, want)
		r.report(s, s.reconcile.actual)
	}
}

func (r *reconciler) next() (*sessionState, desired, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) == 0 {
		if r.closed {
			return nil, desired{}, false
		}
		r.wake.Wait()
	}
	s := r.queue[0]
	r.queue = r.queue[1:]
	s.reconcile.queued = false
	return s, s.reconcile.desired, true
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
