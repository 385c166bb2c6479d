package pppoe

import (
	"context"
	"time"
)

// While a loop is suspended, it holds up to maxHeld control frames, of up to maxHeldOctets. Those that follow
// stay in the inboxes, which drop the newest. Senders are limited as there: see inbox.
const (
	maxHeld       = 1 << 15
	maxHeldOctets = 16 << 20
)

// heldFrames are the control frames that a suspended loop has received and not handled, in order.
type heldFrames struct {
	frames []heldFrame
	octets int
	// next is where frames are passed to a successor; nil: none serves yet.
	next   chan []byte
	passed chan struct{} // closed when all have been, after next
}

type heldFrame struct {
	from  *inbox
	frame []byte
}

func (h *heldFrames) add(from *inbox, frame []byte) {
	h.frames = append(h.frames, heldFrame{from, frame})
	h.octets += len(frame)
}

func (h *heldFrames) isFull() bool { return len(h.frames) >= maxHeld || h.octets >= maxHeldOctets }

// remove removes the first frame.
func (h *heldFrames) remove() heldFrame {
	first := h.frames[0]
	h.frames[0] = heldFrame{}
	h.frames = h.frames[1:]
	h.octets -= len(first.frame)
	first.from.release(first.frame)
	return first
}

// passTo begins to pass frames by a function, which may block.
func (h *heldFrames) passTo(successor func(frame []byte)) {
	h.next, h.passed = make(chan []byte), make(chan struct{})
	next, passed := h.next, h.passed
	// Ends with passRest.
	go func() {
		defer close(passed)
		for frame := range next {
			successor(frame)
		}
	}()
}

// first returns the frame to pass next, and where to; nil: there is none, or no successor.
func (h *heldFrames) first() (chan<- []byte, []byte) {
	if len(h.frames) == 0 {
		return nil, nil
	}
	return h.next, h.frames[0].frame
}

// hold holds frames until the suspension is over, or passes them on, and reports whether the loop goes on.
func (l *loop) hold(ctx context.Context, on *suspension) bool {
	passing := on.passing
	for {
		discovery, padis, control := l.discovery.frames, l.padis.frames, l.control.frames
		if l.held.isFull() {
			discovery, padis, control = nil, nil, nil
		}
		next, first := l.held.first()
		select {
		case <-ctx.Done():
			return false
		case <-on.over:
			return !on.leaves
		case <-passing:
			passing = nil
			l.held.passTo(func(frame []byte) { on.passOn(l.iface, frame) })
		case next <- first:
			l.held.remove()
		case frame := <-discovery:
			l.held.add(l.discovery, frame)
		case frame := <-padis:
			l.held.add(l.padis, frame)
		case frame := <-control:
			l.held.add(l.control, frame)
		}
	}
}

// passRest passes what is left to the successor, if there is one. Nothing is received any more.
func (l *loop) passRest() {
	h := &l.held
	if h.next == nil {
		return
	}
	for _, from := range []*inbox{l.discovery, l.padis, l.control} {
		for len(from.frames) > 0 {
			h.add(from, <-from.frames)
		}
	}
	for len(h.frames) > 0 {
		h.next <- h.remove().frame
	}
	close(h.next)
	<-h.passed
}

// handleHeld handles the held frames, as the suspension has ended.
func (l *loop) handleHeld(now time.Time) {
	for len(l.held.frames) > 0 {
		first := l.held.remove()
		if first.from == l.control {
			l.receiveSession(now, first.frame)
		} else {
			l.owner.handleDiscovery(now, first.frame)
		}
	}
	l.held.frames = nil
	l.endTurn(now)
}
