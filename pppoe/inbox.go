package pppoe

import (
	"errors"
	"hash/maphash"
	"sync/atomic"
)

// An inbox holds inboxSize frames, and a quarter of that per sender. More are dropped and counted: a
// flood must neither use up memory nor displace the echoes of other sessions. PADIs are answered
// within padiInbox/100,000 s in a flood of 100,000 a second; a pause of the loop of three quarters
// of that costs no client its first PADI.
const (
	inboxSize = 4096
	padiInbox = 4096
)

// Memory of up to maxRecycled frames that were handled, each of up to maxRecycledLen octets, is used
// for later ones.
const (
	maxRecycled    = 1024
	maxRecycledLen = 512
)

// ErrQueueFull is the reason for dropping frames that arrive faster than the loop handles them.
var ErrQueueFull = errors.New("pppoe: control packet queue is full")

// inbox is the queue of frames from a port to the loop. Several goroutines may put frames; one
// receives them from frames.
type inbox struct {
	frames chan []byte
	unused chan []byte
	seed   maphash.Seed // a peer cannot choose which senders share its counter
	queued [1024]atomic.Int32
}

func newInbox(size int) *inbox {
	return &inbox{frames: make(chan []byte, size), unused: make(chan []byte, maxRecycled), seed: maphash.MakeSeed()}
}

// isBusy reports whether most of the inbox is in use: frames arrive faster than they are handled.
func (in *inbox) isBusy() bool { return len(in.frames) >= cap(in.frames)-cap(in.frames)/4 }

// put queues a copy of an Ethernet frame, and reports whether there was room.
func (in *inbox) put(frame []byte) bool {
	n := in.sender(frame)
	if n.Add(1) > int32(cap(in.frames)/4) || len(in.frames) == cap(in.frames) {
		n.Add(-1)
		return false
	}
	select { // another goroutine may have filled it
	case in.frames <- append(in.memory(), frame...):
		return true
	default:
		n.Add(-1)
		return false
	}
}

// memory returns memory for a frame.
func (in *inbox) memory() []byte {
	select {
	case b := <-in.unused:
		return b[:0]
	default:
		return nil
	}
}

// recycle is called with a frame that was handled, and is not needed any more.
func (in *inbox) recycle(frame []byte) {
	if cap(frame) > maxRecycledLen {
		return
	}
	select {
	case in.unused <- frame:
	default:
	}
}

// release is called with each frame received from frames: its sender may queue another.
func (in *inbox) release(frame []byte) { in.sender(frame).Add(-1) }

// sender returns the counter of the queued frames of a frame's sender.
func (in *inbox) sender(frame []byte) *atomic.Int32 {
	if len(frame) < 12 {
		return &in.queued[0]
	}
	return &in.queued[maphash.Bytes(in.seed, frame[6:12])%uint64(len(in.queued))]
}
