package sharednet

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe"
)

// RouteStats are the counters of routes that are not of pools.
type RouteStats struct {
	Routes   int    // that exist
	Queued   int    // that are to be added or removed
	Failures uint64 // requests that the kernel has refused
}

// router makes the kernel's routes what sessions want, by one goroutine, so that nothing waits for
// the kernel. A prefix is queued at most once: the latest wish counts, and a prefix that goes from one
// session to another at once costs no request.
type router struct {
	add, remove func(netip.Prefix) error
	failed      func(pppoe.SessionInfo, error)

	mu       sync.Mutex
	prefixes map[netip.Prefix]*wish
	queue    []netip.Prefix
	running  bool
	closed   bool
	count    RouteStats
	worker   sync.WaitGroup
}

// wish is what sessions want of a prefix.
type wish struct {
	users  int               // sessions that want a route
	last   pppoe.SessionInfo // the last of them
	routed bool              // there is a route
	queued bool
}

func newRouter(add, remove func(netip.Prefix) error, failed func(pppoe.SessionInfo, error)) *router {
	return &router{add: add, remove: remove, failed: failed, prefixes: make(map[netip.Prefix]*wish)}
}

// adopt adds a route of a predecessor, which no session wants yet.
func (r *router) adopt(p netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prefixes[p] = &wish{routed: true}
}

// has reports whether a route was adopted or added.
func (r *router) has(p netip.Prefix) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.prefixes[p] != nil && r.prefixes[p].routed
}

// keep leaves an adopted route to others.
func (r *router) keep(p netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.prefixes, p)
}

// sweep removes the adopted routes that no session wants.
func (r *router) sweep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, w := range r.prefixes {
		if w.users == 0 {
			r.enqueue(p, w)
		}
	}
}

// set changes what a session wants.
func (r *router) set(s pppoe.SessionInfo, have, want []netip.Prefix) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range have {
		if w := r.prefixes[p]; w != nil && w.users > 0 && !slices.Contains(want, p) {
			w.users--
			r.enqueue(p, w)
		}
	}
	for _, p := range want {
		if slices.Contains(have, p) {
			continue
		}
		w := r.prefixes[p]
		if w == nil {
			w = &wish{}
			r.prefixes[p] = w
		}
		w.users, w.last = w.users+1, s
		r.enqueue(p, w)
	}
}

// enqueue queues a prefix whose wish has changed. The lock is held.
func (r *router) enqueue(p netip.Prefix, w *wish) {
	if w.queued || r.closed {
		return
	}
	w.queued = true
	r.queue = append(r.queue, p)
	if !r.running {
		r.running = true
		// Ends when the queue is empty.
		r.worker.Go(r.work)
	}
}

func (r *router) work() {
	for {
		p, w, ok := r.next()
		if !ok {
			return
		}
		r.apply(p, w)
	}
}

// next removes the next prefix from the queue, with a copy of its wish. If the queue is empty, ok is
// false and the worker ends.
func (r *router) next() (p netip.Prefix, w wish, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 || r.closed {
		r.queue, r.running = nil, false
		return p, w, false
	}
	p, r.queue = r.queue[0], r.queue[1:]
	r.prefixes[p].queued = false
	return p, *r.prefixes[p], true
}

// apply makes a route what is wanted.
func (r *router) apply(p netip.Prefix, w wish) {
	change := r.remove
	if w.users > 0 {
		change = r.add
	}
	var err error
	if w.routed != (w.users > 0) {
		err = change(p)
	}
	r.done(p, w.users > 0, err)
	if err != nil {
		r.failed(w.last, err)
	}
}

// done records the result of a request.
func (r *router) done(p netip.Prefix, routed bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w := r.prefixes[p]
	if err != nil {
		r.count.Failures++
	} else {
		w.routed = routed
	}
	if w.users == 0 && !w.queued && !w.routed {
		delete(r.prefixes, p)
	}
}

func (r *router) stats() RouteStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	count := r.count
	count.Queued = len(r.queue)
	for _, w := range r.prefixes {
		if w.routed {
			count.Routes++
		}
	}
	return count
}

// close ends the worker, and removes the routes if they are not gone with the device.
func (r *router) close(remove bool) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.worker.Wait()
	for p, w := range r.prefixes {
		if remove && w.routed {
			if err := r.remove(p); err != nil {
				r.failed(w.last, err)
			}
		}
	}
}
