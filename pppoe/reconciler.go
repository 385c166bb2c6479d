package pppoe

import (
	"sync"

	"upppoe/pppoe/datapath"
)

// reconciler makes the host's network fit what sessions have agreed on, outside of
// their loop, for it may take its time. A session has at most one place in the
// queue, however often its peer negotiates anew: what counts is what is wanted
// in the end.
type reconciler struct {
	network HostNetwork
	path    datapath.Path
	// report is called after each change, from the fitter's goroutine.
	report func(*sessionState, actual)

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []*sessionState
	closed bool
}

// desired is what a session wants of the host's network.
type desired struct {
	info   SessionInfo
	device bool // that it has a device
	Addressing
}

// actual is what a session has of it.
type actual struct {
	device     string // its name; empty: there is none
	addressing Addressing
	err        error
	gone       bool // the device is gone, for good
	counters   datapath.Counters
}

// reconcileState is a tunnel's place in the fitter.
type reconcileState struct {
	desired desired // the latest; guarded by the fitter's lock
	queued  bool    // likewise
	actual          // as it is; the fitter's goroutine alone touches it
}

func newReconciler(host HostNetwork, path datapath.Path, report func(*sessionState, actual)) *reconciler {
	f := &reconciler{network: host, path: path, report: report}
	f.wake = sync.NewCond(&f.mu)
	return f
}

// set tells what a session wants now.
func (f *reconciler) set(s *sessionState, w desired) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.reconcile.desired = w
	if !s.reconcile.queued {
		s.reconcile.queued = true
		f.queue = append(f.queue, s)
		f.wake.Signal()
	}
}

// stop ends run once the queue is empty.
func (f *reconciler) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.wake.Broadcast()
}

// run works off the queue until stop.
func (f *reconciler) run() {
	for {
		s, w, ok := f.next()
		if !ok {
			return
		}
		f.apply(s, w)
		f.report(s, s.reconcile.actual)
	}
}

func (f *reconciler) next() (*sessionState, desired, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 {
		if f.closed {
			return nil, desired{}, false
		}
		f.wake.Wait()
	}
	s := f.queue[0]
	f.queue = f.queue[1:]
	s.reconcile.queued = false
	return s, s.reconcile.desired, true
}

// apply does what is still missing of a wish.
func (f *reconciler) apply(s *sessionState, w desired) {
	is := &s.reconcile.actual
	switch {
	case is.gone:
	case !w.device:
		f.close(is, w)
	case is.err == nil:
		f.open(is, w)
		f.configure(is, w)
	}
}

func (f *reconciler) open(is *actual, w desired) {
	if is.device != "" {
		return
	}
	dev, err := f.network.Open(w.info)
	if err != nil {
		is.err = err
		return
	}
	err = f.path.Add(datapath.Session{SessionID: w.info.SessionID, Local: w.info.Local, Peer: w.info.Peer, Device: dev})
	if err != nil {
		dev.Close()
		f.network.Close(w.info, Addressing{})
		is.err = err
		return
	}
	is.device = dev.Name()
}

func (f *reconciler) configure(is *actual, w desired) {
	if is.err != nil || is.addressing == w.Addressing {
		return
	}
	w.info.Device = is.device
	is.err = f.network.Configure(w.info, is.addressing, w.Addressing)
	is.addressing = w.Addressing
}

func (f *reconciler) close(is *actual, w desired) {
	if is.device != "" {
		is.counters = f.path.Remove(w.info.SessionID)
		w.info.Device = is.device
		f.network.Close(w.info, is.addressing)
	}
	is.gone = true
}
