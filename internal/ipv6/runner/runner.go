// Package runner runs the IPv6 services of PPP sessions, which are router advertisements and
// DHCPv6, from when IPv6CP opens (RFC 5072) until it closes. It does not know what it runs: see
// packages ipv6 and ipv6/server.
package runner

import (
	"context"
	"log/slog"
	"sync"

	"upppoe/internal/host/netconfig"
	"upppoe/internal/ipv6/netif"
	"upppoe/ppp"
	"upppoe/pppoe"
)

// Runner runs one function at a time for each key, such as a session ID. Its methods may be called
// concurrently; only Wait and Close block.
type Runner[K comparable] struct {
	namespace string
	log       *slog.Logger
	running   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	active map[K]*run // the last one of each key, until it has returned
}

// run is a function that runs, or waits for the previous one of its key.
type run struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it has returned
}

// New makes a runner for a network namespace (see netconfig.Configurer.Namespace). Errors of
// functions are logged.
func New[K comparable](namespace string, log *slog.Logger) *Runner[K] {
	return &Runner[K]{namespace: namespace, log: log, active: make(map[K]*run)}
}

// Start stops what runs for a key, as Stop does with netif.ErrLinkGone, and calls a function once
// that has returned: both would open the same ports. The function is called on a thread of the
// network namespace (see netconfig.InNamespace), and must return soon after its context has ended. After
// Close it is not called.
func (r *Runner[K]) Start(key K, f func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := r.active[key]
	if before != nil {
		before.cancel(netif.ErrLinkGone)
	}
	if r.closed {
		return
	}
	ctx, end := context.WithCancelCause(context.Background())
	is := &run{end, make(chan struct{})}
	r.active[key] = is
	// Ends with Stop, Close or the next Start.
	r.running.Go(func() {
		defer r.ended(key, is)
		if before != nil {
			<-before.done
		}
		if err := netconfig.InNamespace(r.namespace, func() error { return f(ctx) }); err != nil {
			r.log.Warn(err.Error())
		}
	})
}

func (r *Runner[K]) ended(key K, was *run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(was.done)
	if r.active[key] == was {
		delete(r.active, key)
	}
}

// Stop cancels the context of what runs for a key, with a cause. It does not wait for the function
// to return. It reports whether a function was running.
func (r *Runner[K]) Stop(key K, cause error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	is := r.active[key]
	if is != nil {
		is.cancel(cause)
	}
	return is != nil
}

// Wait waits until nothing runs. Start must not be called meanwhile.
func (r *Runner[K]) Wait() { r.running.Wait() }

// StopAll cancels everything with a cause, and waits until nothing runs. Start must not be called meanwhile.
func (r *Runner[K]) StopAll(cause error) {
	r.mu.Lock()
	for _, is := range r.active {
		is.cancel(cause)
	}
	r.mu.Unlock()
	r.Wait()
}

// Close cancels everything with a cause, and waits until nothing runs.
func (r *Runner[K]) Close(cause error) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.StopAll(cause)
}

// HandleEvent calls up when IPv6CP has opened, or has been renegotiated with other interface
// identifiers, or its session is continued after an earlier program, and down when it has closed.
func HandleEvent(event pppoe.Event, up func(pppoe.Addressing), down func()) {
	switch e := event.(type) {
	case pppoe.Configured:
		if e.HasIPv6() && e.IPv6 != e.Previous.IPv6 {
			up(e.Addressing)
		}
	case pppoe.Adopted:
		if e.HasIPv6() {
			up(e.Addressing)
		}
	case pppoe.NetworkLost:
		if e.Protocol == ppp.IPv6CP {
			down()
		}
	}
}
