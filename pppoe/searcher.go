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

// searcher asks which concentrators there are: it is told frames and the time, and is not safe for
// concurrent use.
type searcher interface {
	receive(now time.Time, frame []byte)
	// advance does what is due at now: at first, the first question. It returns when it wants to be
	// called next; more is false when all is done.
	advance(now time.Time) (next time.Time, more bool)
}

// runSearch runs a search over a port until it is done, the context ends, or the port is lost. It
// closes the port.
func runSearch(ctx context.Context, port datapath.Port, s searcher) error {
	defer port.Close()
	frames, lost := make(chan []byte, inboxSize), make(chan error, 1)
	// Ends when the port is closed.
	go func() { lost <- receive(port, frames) }()
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
			next, more := s.advance(time.Now())
			if !more {
				return nil
			}
			timer.Reset(time.Until(next))
		}
	}
}

// receive moves copies of a port's frames to a channel, or drops them if nobody
// takes them, until the port is closed.
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

// sightings are the concentrators that have been told of. A forger has more addresses and VLANs
// than anybody wants to read: there is a bound.
type sightings map[seenKey]bool

type seenKey struct {
	vlan vlan.Stack
	ac   wire.Addr
}

// add reports whether a concentrator is to be told of: once, and of so many only.
func (s sightings) add(where seenKey, most int) bool {
	if s[where] || len(s) >= most {
		return false
	}
	s[where] = true
	return true
}
