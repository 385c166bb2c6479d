package pppoe

import (
	"context"
	"errors"
	"net"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// searcher finds concentrators: it is given frames and the time. It is not safe for concurrent use.
type searcher interface {
	receive(now time.Time, frame []byte)
	// advance does what is due at now, at first sending the first request. It returns when to call
	// it next; more is false when the search is done.
	advance(now time.Time) (next time.Time, more bool)
}

// runSearch runs a search on a port until it is done, the context ends, or the port is lost. It
// closes the port.
func runSearch(ctx context.Context, port datapath.Port, s searcher) error {
	defer port.Close()
	frames, lost := make(chan []byte, inboxSize), make(chan error, 1)
	// Ends when the port is closed.
	go func() { lost <- receive(port, frames) }()
	due, waited := time.Now(), false
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-lost:
			return err
		case frame := <-frames:
			s.receive(time.Now(), frame)
		case <-timer.C:
			// What has arrived comes first: it may be an answer that was waited for.
			receiveQueued(ctx, s, frames)
			if time.Since(due) > maxLate && !waited {
				waited = true
				timer.Reset(maxLate)
				continue
			}
			waited = false
			next, more := s.advance(time.Now())
			if !more {
				return nil
			}
			due = next
			timer.Reset(time.Until(next))
		}
	}
}

// maxLate is how late a step may be. If it is later, the program was stopped, or the machine is busy: the
// goroutine that reads the port then has as long to read what arrived meanwhile.
const maxLate = 50 * time.Millisecond

// receiveQueued handles the frames that are queued, until the context ends.
func receiveQueued(ctx context.Context, s searcher, frames <-chan []byte) {
	for n := len(frames); n > 0 && ctx.Err() == nil; n-- {
		s.receive(time.Now(), <-frames)
	}
}

// receive queues copies of a port's frames, or drops them if the queue is full, until the port is
// closed.
func receive(port datapath.Port, to chan<- []byte) error {
	err := datapath.ReadFrames(port, datapath.BatchSize, func(frames []datapath.Frame) {
		for _, f := range frames {
			select {
			case to <- append([]byte(nil), f.Data...):
			default:
			}
		}
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// seenSet has the concentrators that were reported. It is bounded, because a forger has any number
// of addresses.
type seenSet map[seenKey]bool

type seenKey struct {
	vlan vlan.Stack
	ac   wire.Addr
}

// add adds a concentrator, and reports whether it is new and there are fewer than limit.
func (s seenSet) add(key seenKey, limit int) bool {
	if s[key] || len(s) >= limit {
		return false
	}
	s[key] = true
	return true
}
