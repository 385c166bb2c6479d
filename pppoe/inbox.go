package pppoe

import (
	"errors"
	"hash/maphash"
	"sync/atomic"
)

// An inbox holds inboxSize frames, and inboxShare per sender. More are dropped and counted: a flood
// must neither use up memory nor displace the echoes of other sessions.
const (
	inboxSize  = 4096
	inboxShare = inboxSize / 4
)

// ErrQueueFull is the reason for dropping frames that arrive faster than the loop handles them.
var ErrQueueFull = errors.New("pppoe: control packet queue is full")

// inbox is the queue of frames from a port to the loop. Several goroutines may put frames; one
// receives them from frames.
type inbox struct {
	frames chan []byte
	seed   maphash.Seed // a peer cannot choose which senders share its counter
	queued [1024]atomic.Int32
}

func newInbox() *inbox {
	return &inbox{frames: make(chan []byte, inboxSize), seed: maphash.MakeSeed()}
}

// put queues a copy of an Ethernet frame, and reports whether there was room.
func (in *inbox) put(frame []byte) bool {
	n := in.sender(frame)
	if n.Add(1) > inboxShare || len(in.frames) == cap(in.frames) {
		n.Add(-1)
		return false
	}
	select { // another goroutine may have filled it
	case in.frames <- append([]byte(nil), frame...):
		return true
	default:
		n.Add(-1)
		return false
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
