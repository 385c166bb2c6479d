package deadlines

import (
	"container/heap"
	"time"
)

// Timer is the part of a value that a Compact heap needs. The zero value has no deadline.
type Timer struct {
	at       time.Duration
	position int32 // in the heap, from 1; 0: not in it
}

// Timed is a value with a Timer, like a pointer to a struct that contains one.
type Timed interface {
	comparable
	Timer() *Timer
}

// Compact is a Heap of values that contain their Timers: it takes the memory of a value each. Its
// times are since an origin of the caller's choice. The zero value is empty.
type Compact[T Timed] struct {
	order compactOrder[T]
}

// Set sets the deadline of a value, and replaces an earlier one.
func (h *Compact[T]) Set(value T, at time.Duration) {
	t := value.Timer()
	switch {
	case t.position == 0:
		t.at = at
		heap.Push(&h.order, value)
	case t.at != at:
		t.at = at
		heap.Fix(&h.order, int(t.position)-1)
	}
}

// Remove removes the deadline of a value, if it has one.
func (h *Compact[T]) Remove(value T) {
	if t := value.Timer(); t.position > 0 {
		heap.Remove(&h.order, int(t.position)-1)
	}
}

// Next returns the earliest deadline; false: there is none.
func (h *Compact[T]) Next() (at time.Duration, ok bool) {
	if len(h.order) == 0 {
		return 0, false
	}
	return h.order[0].Timer().at, true
}

// Pop removes and returns the value with the earliest deadline, if it is not after now.
func (h *Compact[T]) Pop(now time.Duration) (value T, ok bool) {
	if at, found := h.Next(); !found || at > now {
		return value, false
	}
	return heap.Pop(&h.order).(T), true
}

// Len returns the number of deadlines.
func (h *Compact[T]) Len() int { return len(h.order) }

// compactOrder implements heap.Interface.
type compactOrder[T Timed] []T

func (o compactOrder[T]) Len() int           { return len(o) }
func (o compactOrder[T]) Less(i, j int) bool { return o[i].Timer().at < o[j].Timer().at }

func (o compactOrder[T]) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].Timer().position, o[j].Timer().position = int32(i)+1, int32(j)+1
}

func (o *compactOrder[T]) Push(x any) {
	*o = append(*o, x.(T))
	x.(T).Timer().position = int32(len(*o))
}

func (o *compactOrder[T]) Pop() any {
	last := len(*o) - 1
	value := (*o)[last]
	value.Timer().position = 0
	clear((*o)[last:])
	*o = (*o)[:last]
	return value
}
