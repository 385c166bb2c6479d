package pppoe

import (
	"encoding/binary"
	"sync"
	"testing"
)

// frameFrom returns a frame whose source address contains a number.
func frameFrom(sender uint32) []byte {
	frame := make([]byte, 60)
	frame[6] = 0x02
	binary.BigEndian.PutUint32(frame[8:], sender)
	return frame
}

// TestInboxPerSender: a sender that floods the inbox leaves room for others, and has room again
// once its frames are handled.
func TestInboxPerSender(t *testing.T) {
	in := newInbox(inboxSize)
	put := func(sender uint32, times int) (n int) {
		for range times {
			if in.put(frameFrom(sender)) {
				n++
			}
		}
		return n
	}
	if n := put(1, 3*inboxSize); n != inboxSize/4 {
		t.Errorf("of one sender there are %d frames, want %d", n, inboxSize/4)
	}
	other := uint32(2)
	for in.sender(frameFrom(other)) == in.sender(frameFrom(1)) {
		other++
	}
	if n := put(other, 10); n != 10 {
		t.Errorf("of another there are %d, want 10", n)
	}
	for range 5 {
		in.release(<-in.frames)
	}
	if n := put(1, 10); n != 5 {
		t.Errorf("once 5 are taken there is room for %d, want 5", n)
	}
	n := 0
	for sender := uint32(100); sender < 100+2*inboxSize; sender++ {
		n += put(sender, 1)
	}
	if want := inboxSize - inboxSize/4 - 10; n != want {
		t.Errorf("of forged senders there are %d, want %d", n, want)
	}
	for range inboxSize {
		in.release(<-in.frames)
	}
	for i := range in.queued {
		if n := in.queued[i].Load(); n != 0 {
			t.Errorf("when all are taken, %d wait", n)
		}
	}
}

// TestInboxConcurrent: several goroutines put frames, and the inbox never exceeds its size.
func TestInboxConcurrent(t *testing.T) {
	in := newInbox(inboxSize)
	var putting sync.WaitGroup
	for sender := range uint32(8) {
		putting.Go(func() {
			for range 2 * inboxSize / 4 {
				in.put(frameFrom(sender))
			}
		})
	}
	for range inboxSize / 4 { // there are at least this many
		in.release(<-in.frames)
	}
	putting.Wait()
	if len(in.frames) > inboxSize {
		t.Errorf("%d frames wait", len(in.frames))
	}
	for len(in.frames) > 0 {
		in.release(<-in.frames)
	}
	for i := range in.queued {
		if n := in.queued[i].Load(); n != 0 {
			t.Errorf("when all are taken, %d wait", n)
		}
	}
}

// TestShortFrame: a frame too short for a source address counts too.
func TestShortFrame(t *testing.T) {
	in := newInbox(inboxSize)
	if !in.put(make([]byte, 3)) {
		t.Fatal("there is no room")
	}
	in.release(<-in.frames)
	if n := in.queued[0].Load(); n != 0 {
		t.Errorf("%d wait", n)
	}
}

// TestInboxSize: the inbox holds 4096 frames, 1024 of one sender.
func TestInboxSize(t *testing.T) {
	if in := newInbox(inboxSize); cap(in.frames) != 4096 {
		t.Errorf("%d frames wait, %d of one sender", cap(in.frames), cap(in.frames)/4)
	}
	in := newInbox(inboxSize)
	if short, whole := make([]byte, 11), make([]byte, 12); in.sender(short) != &in.queued[0] || in.sender(whole) == nil {
		t.Error("a frame without a whole source address is not counted by the first counter")
	}
}

// TestInboxRecycles: a flood that the loop keeps up with makes no garbage, and what is kept is
// bounded.
func TestInboxRecycles(t *testing.T) {
	in, frame := newInbox(padiInbox), frameFrom(1)
	if n := testing.AllocsPerRun(100, func() {
		in.put(frame)
		f := <-in.frames
		in.release(f)
		in.recycle(f)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	in.recycle(make([]byte, maxRecycledLen+1))
	if n := len(in.unused); n != 1 {
		t.Errorf("%d frames are kept, want 1, without the long one", n)
	}
	for range 2 * maxRecycled {
		in.recycle(frameFrom(1))
	}
	if n := len(in.unused); n != maxRecycled {
		t.Errorf("%d frames are kept, want %d", n, maxRecycled)
	}
}

// TestInboxBusy: an inbox is busy when less than a quarter of it is free.
func TestInboxBusy(t *testing.T) {
	in := newInbox(padiInbox)
	for i := range padiInbox {
		if busy := in.isBusy(); busy != (i >= 3*padiInbox/4) {
			t.Fatalf("with %d frames, busy is %v", i, busy)
		}
		in.frames <- nil
	}
}
