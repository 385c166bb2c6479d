package datapath

import (
	"sync/atomic"
	"time"
)

// Fence is a deadline after which its Ports neither send nor receive: that of a server which loses its
// right to its sessions then. It is checked for each batch. Methods may be called concurrently.
type Fence struct {
	now      func() time.Duration
	deadline atomic.Int64 // of that clock, in nanoseconds; 0: none
}

// NewFence returns a fence without a deadline. now is a clock that never steps back, and should go on while
// the machine is suspended; nil: that of package time, which does not.
func NewFence(now func() time.Duration) *Fence {
	if now == nil {
		began := time.Now()
		now = func() time.Duration { return time.Since(began) }
	}
	return &Fence{now: now}
}

// SetDeadline sets the deadline; the zero time: none. One that has passed takes effect at once.
func (f *Fence) SetDeadline(t time.Time) { f.deadline.Store(DeadlineOf(t, f.now())) }

// IsClosed reports whether the deadline has passed.
func (f *Fence) IsClosed() bool {
	deadline := f.deadline.Load()
	return deadline != 0 && int64(f.now()) >= deadline
}

// DeadlineOf returns a time as one of a clock that shows now, in nanoseconds, which is not 0; the zero time
// is 0.
func DeadlineOf(t time.Time, now time.Duration) int64 {
	if t.IsZero() {
		return 0
	}
	return max(1, int64(now+min(time.Until(t), maxDeadline)))
}

// maxDeadline is how far ahead a deadline is at most: the sum with a clock must not overflow.
const maxDeadline = 100 * 365 * 24 * time.Hour

// Port returns a port that discards what it is given to send, and what it receives, while the fence is
// closed. It is a Gatherer if the port is.
func (f *Fence) Port(p Port) Port {
	fenced := &fencedPort{p, f}
	if g, ok := p.(Gatherer); ok {
		return &fencedGatherer{fenced, g}
	}
	return fenced
}

type fencedPort struct {
	Port
	fence *Fence
}

func (p *fencedPort) ReadBatch(frames []Frame) (int, error) {
	n, err := p.Port.ReadBatch(frames)
	if p.fence.IsClosed() {
		n = 0
	}
	return n, err
}

func (p *fencedPort) WriteBatch(frames [][]byte) (int, error) {
	if p.fence.IsClosed() {
		return 0, nil
	}
	return p.Port.WriteBatch(frames)
}

type fencedGatherer struct {
	*fencedPort
	gatherer Gatherer
}

func (p *fencedGatherer) WriteGather(frames [][2][]byte) (int, error) {
	if p.fence.IsClosed() {
		return 0, nil
	}
	return p.gatherer.WriteGather(frames)
}
