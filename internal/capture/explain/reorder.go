package explain

import (
	"container/heap"
	"time"
)

// Captures of several interfaces or processors have packets slightly out of order.
const (
	reorderWindow = 256 // frames that are held
	// maxDisorder is the largest difference that is put in order: the clock was set if it is larger.
	maxDisorder = time.Second
)

// reorder puts frames in the order of their times, as far as they are in its window.
type reorder struct {
	held      heldFrames
	latest    time.Time
	epoch     int // how often the clock was set back
	displaced int // frames that came before an earlier one
}

// add adds a frame, and passes on the earliest if there are enough.
func (r *reorder) add(f frame, pass func(*frame)) {
	switch {
	case !f.at.Before(r.latest):
		r.latest = f.at
	case r.latest.Sub(f.at) > maxDisorder:
		r.latest = f.at
		r.epoch++
	default:
		r.displaced++
	}
	heap.Push(&r.held, heldFrame{f, r.epoch})
	if len(r.held) > reorderWindow {
		r.passOne(pass)
	}
}

func (r *reorder) passOne(pass func(*frame)) {
	f := heap.Pop(&r.held).(heldFrame)
	pass(&f.frame)
}

// flush passes on all that is held.
func (r *reorder) flush(pass func(*frame)) {
	for len(r.held) > 0 {
		r.passOne(pass)
	}
}

type heldFrame struct {
	frame
	epoch int
}

// heldFrames implements heap.Interface.
type heldFrames []heldFrame

func (h heldFrames) Len() int { return len(h) }

func (h heldFrames) Less(i, j int) bool {
	a, b := &h[i], &h[j]
	switch {
	case a.epoch != b.epoch:
		return a.epoch < b.epoch
	case a.at.Equal(b.at):
		return a.number < b.number
	}
	return a.at.Before(b.at)
}

func (h heldFrames) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heldFrames) Push(f any)   { *h = append(*h, f.(heldFrame)) }

func (h *heldFrames) Pop() any {
	last := len(*h) - 1
	f := (*h)[last]
	(*h)[last] = heldFrame{}
	*h = (*h)[:last]
	return f
}
