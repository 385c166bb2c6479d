package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe/datapath"
)

// Limits of the workers of a pool. Configuring a session may wait for scripts, and removing a device
// waits 25 to 50 ms for an RCU grace period of the kernel: once for all devices that the HostNetwork
// removes together, which are as many as there are workers. More workers for set-ups gain nothing, as
// all of them wait for the kernel's lock of network interfaces (RTNL).
const (
	maxSetupWorkers   = 32
	maxRetireWorkers  = 4
	maxRemovalWorkers = 128
)

// reconcilerPool is the workers of the reconcilers of a client or a server: of the latter's
// interfaces, of which there may be thousands. Removals of devices have a queue and workers of their
// own, so that new sessions do not wait for them; and so have the preparations of removals, which
// precede all removals, as they make these faster. The zero value is usable.
type reconcilerPool struct {
	mu                        sync.Mutex
	setups, retires, removals reconcilerQueue
}

// reconcilerQueue is a queue of sessions and its workers, which end when it is empty. It is guarded
// by the pool's lock.
//
// Sessions without a device come first: when thousands begin at once, all devices are opened before
// the first gets addresses. The kernel walks all IPv6 routes for each device that comes up, of which
// there are few then. The device of an adopted session is up: packets of the session flow as soon as it is
// opened.
type reconcilerQueue struct {
	first, jobs []reconcilerJob
	workers     int
}

// reconcilerJob is a session that is queued, and its reconciler.
type reconcilerJob struct {
	*reconciler
	session *sessionState
}

// reconciler makes the host's network what sessions want (desired), outside of their loop, since
// that may take long. Workers change several sessions at once, and one session by one worker at a
// time. A session is queued at most once, however often its peer renegotiates: the latest desired
// state counts.
type reconciler struct {
	network HostNetwork
	path    datapath.Path
	// report is called after each change, by the worker, and thus concurrently for different
	// sessions. The session has no other change until it returns.
	report func(*sessionState, actual)
	pool   *reconcilerPool
	active sync.WaitGroup // sessions that are queued or busy
}

// desired is what a session wants of the host's network.
type desired struct {
	device bool // whether it has a device
	Addressing
	routes []netip.Prefix // that are routed to the peer in addition
}

// actual is what a session has of the host's network.
type actual struct {
	device     string           // its name; empty: there is none
	path       datapath.Session // of the device
	addressing Addressing
	routes     []netip.Prefix // that are routed to the peer in addition
	err        error
	retired    bool // the device's removal was prepared
	gone       bool // the device is gone permanently
	counters   datapath.Counters
}

// reconcileState is the reconciler's record of a session. It is guarded by the pool's lock, except
// that actual belongs to the worker while busy.
type reconcileState struct {
	info    SessionInfo
	desired desired // the latest
	queued  bool    // in a queue, or will be when its worker has finished
	busy    bool    // a worker changes it
	actual
}

// newReconciler returns a reconciler with a pool of its own.
func newReconciler(host HostNetwork, path datapath.Path, report func(*sessionState, actual)) *reconciler {
	return &reconciler{network: host, path: path, report: report, pool: &reconcilerPool{}}
}

// set sets what a session wants, and queues the session. It does not block. It must not be called
// concurrently with wait.
func (r *reconciler) set(s *sessionState, want desired) {
	r.pool.mu.Lock()
	defer r.pool.mu.Unlock()
	if s.reconcile == nil {
		s.reconcile = &reconcileState{}
	}
	s.reconcile.info, s.reconcile.desired = s.info(), want
	if s.adopted != nil && s.Device == "" {
		s.reconcile.info.Device = s.adopted.device
	}
	if s.reconcile.queued {
		return
	}
	s.reconcile.queued = true
	if !s.reconcile.busy {
		r.active.Add(1)
		r.pool.enqueue(reconcilerJob{r, s})
	}
}

// wait waits until all sessions are reconciled and reported.
func (r *reconciler) wait() { r.active.Wait() }

// enqueue adds a session that is not busy to its queue. The lock is held.
func (p *reconcilerPool) enqueue(j reconcilerJob) {
	q, limit, state := &p.setups, maxSetupWorkers, j.session.reconcile
	switch {
	case state.isRemoval() && state.retired:
		q, limit = &p.removals, maxRemovalWorkers
	case state.isRemoval():
		q, limit = &p.retires, maxRetireWorkers
	}
	if state.device == "" {
		q.first = append(q.first, j)
	} else {
		q.jobs = append(q.jobs, j)
	}
	if q.workers < limit && (q != &p.removals || p.retires.workers == 0) {
		p.startWorker(q)
	}
}

// startWorker starts a worker, which ends when the queue is empty. The lock is held.
func (p *reconcilerPool) startWorker(q *reconcilerQueue) {
	q.workers++
	go p.work(q)
}

// stopWorker is called when a worker ends. Removals begin after the last preparation. The lock is held.
func (p *reconcilerPool) stopWorker(q *reconcilerQueue) {
	q.workers--
	if q != &p.retires || q.workers > 0 {
		return
	}
	for range min(len(p.removals.jobs), maxRemovalWorkers-p.removals.workers) {
		p.startWorker(&p.removals)
	}
}

// isRemoval reports whether a session's device is to be removed. The lock is held, and the session
// is not busy.
func (c *reconcileState) isRemoval() bool { return !c.desired.device && c.device != "" }

// work reconciles the sessions of a queue until it is empty.
func (p *reconcilerPool) work(q *reconcilerQueue) {
	for {
		j, info, want, ok := p.next(q)
		if !ok {
			return
		}
		complete := j.apply(j.session, info, want)
		j.report(j.session, j.session.reconcile.actual)
		p.finish(j, complete)
	}
}

// next removes the next session from a queue. If the queue is empty, ok is false and the worker
// ends.
func (p *reconcilerPool) next(q *reconcilerQueue) (j reconcilerJob, info SessionInfo, want desired, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if j, ok = q.pop(); !ok {
			p.stopWorker(q)
			return j, info, want, false
		}
		state := j.session.reconcile
		if q == &p.setups && state.isRemoval() { // it ended while it was queued
			p.enqueue(j)
			continue
		}
		state.queued, state.busy = false, true
		return j, state.info, state.desired, true
	}
}

// pop removes the next session. ok is false if the queue is empty.
func (q *reconcilerQueue) pop() (j reconcilerJob, ok bool) {
	for _, jobs := range []*[]reconcilerJob{&q.first, &q.jobs} {
		if len(*jobs) > 0 {
			j, (*jobs)[0] = (*jobs)[0], reconcilerJob{}
			*jobs = (*jobs)[1:]
			return j, true
		}
		*jobs = nil
	}
	return j, false
}

// finish makes a session available to other workers, and queues it again if its changes are not
// complete, or its desired state has changed meanwhile.
func (p *reconcilerPool) finish(j reconcilerJob, complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := j.session.reconcile
	state.busy, state.queued = false, state.queued || !complete
	if state.queued {
		p.enqueue(j)
	} else {
		j.active.Done()
	}
}

// opensWait reports whether sessions without a device wait.
func (p *reconcilerPool) opensWait() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.setups.first) > 0
}

// apply makes the changes from the actual to the desired state. complete is false if it has made the
// first step only: a device was retired, or it was opened while others wait for theirs.
func (r *reconciler) apply(s *sessionState, info SessionInfo, want desired) (complete bool) {
	is := &s.reconcile.actual
	switch {
	case is.gone:
	case !want.device && is.device != "" && !is.retired:
		r.retire(is, info)
		return false
	case !want.device:
		r.close(is, info)
	case is.err == nil && is.device == "":
		r.open(is, info, want.Addressing)
		if is.err == nil && info.Device == "" && r.pool.opensWait() {
			return false
		}
		fallthrough
	case is.err == nil:
		r.leaveVRF(is, info, want)
		r.withdrawRoutes(is, info, want)
		r.configure(is, info, want.Addressing)
		r.setRoutes(is, info, want.openRoutes())
	}
	return true
}

func (r *reconciler) open(is *actual, info SessionInfo, want Addressing) {
	dev, err := r.network.Open(info)
	if err != nil {
		is.err = err
		return
	}
	c := info.pathConfig(dev, nil)
	c.Held = info.Device != "" // it is adopted, and its device is configured
	is.path, err = r.path.Add(c)
	if err != nil {
		dev.Close()
		r.network.Close(info, Addressing{})
		is.err = err
		return
	}
	is.device = dev.Name()
	if preparer, ok := r.network.(DevicePreparer); ok && want.MTU > 0 {
		info.Device = is.device
		preparer.Prepare(info, want)
	}
}

func (r *reconciler) configure(is *actual, info SessionInfo, want Addressing) {
	if is.err == nil && want.VRF != "" {
		_, is.err = vrfNetworkOf(r.network)
	}
	if is.err != nil || is.addressing == want {
		return
	}
	info.Device = is.device
	is.err = r.network.Configure(info, is.addressing, want)
	is.addressing = want
}

// leaveVRF removes all routes and addresses if the device is to be in another VRF.
func (r *reconciler) leaveVRF(is *actual, info SessionInfo, want desired) {
	if is.addressing == (Addressing{}) || is.addressing.VRF == want.VRF {
		return
	}
	r.setRoutes(is, info, nil)
	r.configure(is, info, Addressing{MTU: is.addressing.MTU, VRF: is.addressing.VRF})
}

// withdrawRoutes removes the framed routes that are no longer wanted. They go before the addresses, which
// may take longer, since another session may need them.
func (r *reconciler) withdrawRoutes(is *actual, info SessionInfo, want desired) {
	if len(is.routes) == 0 {
		return
	}
	routes := want.openRoutes()
	kept := slices.DeleteFunc(slices.Clone(is.routes), func(p netip.Prefix) bool { return !slices.Contains(routes, p) })
	r.setRoutes(is, info, kept)
}

// setRoutes sets the framed routes.
func (r *reconciler) setRoutes(is *actual, info SessionInfo, routes []netip.Prefix) {
	if is.err != nil || slices.Equal(is.routes, routes) {
		return
	}
	router, ok := r.network.(FramedRouter)
	if !ok {
		return
	}
	info.Device = is.device
	is.err = router.SetFramedRoutes(info, is.routes, routes)
	is.routes = routes
}

// openRoutes returns the framed routes of the families that are open.
func (d *desired) openRoutes() (routes []netip.Prefix) {
	for _, p := range d.routes {
		if p.Addr().Is4() && d.HasIPv4() || p.Addr().Is6() && d.HasIPv6() {
			routes = append(routes, p)
		}
	}
	return routes
}

// retire prepares the removal of a session's device. Framed routes are removed first, since the client
// may have returned in another session, which needs them.
func (r *reconciler) retire(is *actual, info SessionInfo) {
	is.retired = true
	r.setRoutes(is, info, nil)
	if retirer, ok := r.network.(DeviceRetirer); ok {
		info.Device = is.device
		retirer.Retire(info)
	}
}

func (r *reconciler) close(is *actual, info SessionInfo) {
	if is.device != "" {
		is.counters = is.path.Remove()
		info.Device = is.device
		r.network.Close(info, is.addressing)
	}
	is.gone = true
}
