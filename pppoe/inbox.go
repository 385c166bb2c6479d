package pppoe

import (
	"errors"
	"hash/maphash"
	"sync/atomic"
)

// An inbox holds inboxSize frames, and inboxShare of one sender. What comes beyond that is
// dropped and counted: a flood must not cost memory, nor the others' sessions their echoes.
const (
	inboxSize  = 4096
	inboxShare = inboxSize / 4
)

// ErrQueueFull is the reason for dropping what came faster than the loop could take it.
var ErrQueueFull = errors.New("pppoe: more control packets than can be handled")

// inbox is where the frames of a port wait for the loop. Several may put frames into it
// at once, and one takes them out.
type inbox struct {
	frames chan []byte
	seed   maphash.Seed // nobody can choose with whom to share a place in waiting
	queued [1024]atomic.Int32
}

func newInbox() *inbox {
	return &inbox{frames: make(chan []byte, inboxSize), seed: maphash.MakeSeed()}
}

// put leaves a copy of an Ethernet frame, unless there is no room for it.
func (in *inbox) put(frame []byte) bool {
	of := in.sender(frame)
	if of.Add(1) > inboxShare || len(in.frames) == cap(in.frames) {
		of.Add(-1)
		return false
	}
	select { // somebody else may have written since
	case in.frames <- append([]byte(nil), frame...):
		return true
	default:
		of.Add(-1)
		return false
	}
}

// release makes room for another frame of a sender's, one of which was received from frames.
func (in *inbox) release(frame []byte) { in.sender(frame).Add(-1) }

// sender counts the waiting frames of whoever has sent this one.
func (in *inbox) sender(frame []byte) *atomic.Int32 {
	if len(frame) < 12 {
		return &in.queued[0]
	}
	return &in.queued[maphash.Bytes(in.seed, frame[6:12])%uint64(len(in.queued))]
}
