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
	displaced int // frames that came before an earlier one
}

// add adds a frame, and passes on the earliest if there are enough.
func (r *reorder) add(f frame, pass func(*frame)) {
	order := f.at
	switch {
	case !order.Before(r.latest):
		r.latest = order
	case r.latest.Sub(order) > maxDisorder:
		order = r.latest
	default:
		r.displaced++
	}
	heap.Push(&r.held, heldFrame{f, order})
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
	order time.Time
}

// heldFrames implements heap.Interface.
type heldFrames []heldFrame

func (h heldFrames) Len() int { return len(h) }

func (h heldFrames) Less(i, j int) bool {
	if h[i].order.Equal(h[j].order) {
		return h[i].number < h[j].number
	}
	return h[i].order.Before(h[j].order)
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
