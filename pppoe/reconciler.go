package pppoe

import (
	"sync"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe/datapath"
	"upppoe/tun"
)

// Addressing is what a session's network protocols have agreed on. A family that
// is not open has no valid addresses.
type Addressing struct {
	MTU  int // the longest packet either way, in octets
	IPv4 ipcp.Agreement
	IPv6 ipv6cp.Agreement
}

// HasIPv4 reports whether IPv4 is open.
func (a Addressing) HasIPv4() bool { return a.IPv4.Local.IsValid() }

// HasIPv6 reports whether IPv6 is open.
func (a Addressing) HasIPv6() bool { return a.IPv6.Local != ipv6cp.ID{} }

// A Host is the network of the machine around a session: its devices, addresses
// and routes. Methods may block, and may be called concurrently for different
// lines; for one line they come one after the other.
type HostNetwork interface {
	// Open makes the network device of a line.
	Open(SessionInfo) (tun.Device, error)
	// Configure makes the addresses and routes of the line's device those of
	// want, in place of those of have, which an earlier call has set.
	Configure(l SessionInfo, have, want Addressing) error
	// Close undoes what Configure has done beyond the device itself, which
	// is already closed. It is called once for each successful Open.
	Close(l SessionInfo, have Addressing)
}

// reconciler makes the host's network fit what sessions have agreed on, outside of
// their loop, for it may take its time. A session has at most one place in the
// queue, however often its peer negotiates anew: what counts is what is wanted
// in the end.
type reconciler struct {
	host HostNetwork
	path datapath.Path
	// report is called after each change, from the fitter's goroutine.
	report func(*tunnel, actual)

	mu     sync.Mutex
	wake   *sync.Cond
	queue  []*tunnel
	closed bool
}

// desired is what a session wants of the host's network.
type desired struct {
	line   SessionInfo
	device bool // that it has a device
	Addressing
}

// actual is what a session has of it.
type actual struct {
	device   string // its name; empty: there is none
	have     Addressing
	err      error
	gone     bool // the device is gone, for good
	counters datapath.Counters
}

// reconcileState is a tunnel's place in the fitter.
type reconcileState struct {
	desired desired // the latest; guarded by the fitter's lock
	queued  bool    // likewise
	actual          // as it is; the fitter's goroutine alone touches it
}

func newReconciler(host HostNetwork, path datapath.Path, report func(*tunnel, actual)) *reconciler {
	f := &reconciler{host: host, path: path, report: report}
	f.wake = sync.NewCond(&f.mu)
	return f
}

// want tells what a session wants now.
func (f *reconciler) want(t *tunnel, w desired) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.reconcile.desired = w
	if !t.reconcile.queued {
		t.reconcile.queued = true
		f.queue = append(f.queue, t)
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
		t, w, ok := f.next()
		if !ok {
			return
		}
		f.apply(t, w)
		f.report(t, t.reconcile.actual)
	}
}

func (f *reconciler) next() (*tunnel, desired, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 {
		if f.closed {
			return nil, desired{}, false
		}
		f.wake.Wait()
	}
	t := f.queue[0]
	f.queue = f.queue[1:]
	t.reconcile.queued = false
	return t, t.reconcile.desired, true
}

// apply does what is still missing of a wish.
func (f *reconciler) apply(t *tunnel, w desired) {
	is := &t.reconcile.actual
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
	dev, err := f.host.Open(w.line)
	if err != nil {
		is.err = err
		return
	}
	err = f.path.Add(datapath.Session{SessionID: w.line.SessionID, Local: w.line.Local, Peer: w.line.Peer, Device: dev})
	if err != nil {
		dev.Close()
		f.host.Close(w.line, Addressing{})
		is.err = err
		return
	}
	is.device = dev.Name()
}

func (f *reconciler) configure(is *actual, w desired) {
	if is.err != nil || is.have == w.Addressing {
		return
	}
	w.line.Device = is.device
	is.err = f.host.Configure(w.line, is.have, w.Addressing)
	is.have = w.Addressing
}

func (f *reconciler) close(is *actual, w desired) {
	if is.device != "" {
		is.counters = f.path.Remove(w.line.SessionID)
		w.line.Device = is.device
		f.host.Close(w.line, is.have)
	}
	is.gone = true
}
