// Package deadlines keeps many deadlines in order, so that one timer is enough for all of
// them. Moving one of tens of thousands takes tens of nanoseconds.
//
// A Heap is not safe for concurrent use.
package deadlines

import (
	"container/heap"
	"time"
)

// Heap holds at most one deadline for each value. The zero value is empty.
type Heap[T comparable] struct {
	order order[T]
}

// Set sets the deadline of a value, and replaces an earlier one; the zero time removes the
// value.
func (h *Heap[T]) Set(value T, at time.Time) {
	i, found := h.order.index[value]
	switch {
	case found && at.IsZero():
		heap.Remove(&h.order, i)
	case found:
		if !h.order.entries[i].at.Equal(at) {
			h.order.entries[i].at = at
			heap.Fix(&h.order, i)
		}
	case !at.IsZero():
		heap.Push(&h.order, entry[T]{at, value})
	}
}

// Next returns the earliest deadline; zero: there is none.
func (h *Heap[T]) Next() time.Time {
	if len(h.order.entries) == 0 {
		return time.Time{}
	}
	return h.order.entries[0].at
}

// Pop removes and returns the value with the earliest deadline, if it is not after now.
func (h *Heap[T]) Pop(now time.Time) (value T, ok bool) {
	if len(h.order.entries) == 0 || h.order.entries[0].at.After(now) {
		return value, false
	}
	return heap.Pop(&h.order).(entry[T]).value, true
}

// Len returns the number of deadlines.
func (h *Heap[T]) Len() int { return len(h.order.entries) }

type entry[T comparable] struct {
	at    time.Time
	value T
}

// order implements heap.Interface, and stores the index of each value in the heap.
type order[T comparable] struct {
	entries []entry[T]
	index   map[T]int
}

func (o *order[T]) Len() int           { return len(o.entries) }
func (o *order[T]) Less(i, j int) bool { return o.entries[i].at.Before(o.entries[j].at) }

func (o *order[T]) Swap(i, j int) {
	o.entries[i], o.entries[j] = o.entries[j], o.entries[i]
	o.index[o.entries[i].value], o.index[o.entries[j].value] = i, j
}

func (o *order[T]) Push(x any) {
	e := x.(entry[T])
	if o.index == nil {
		o.index = make(map[T]int)
	}
	o.index[e.value] = len(o.entries)
	o.entries = append(o.entries, e)
}

func (o *order[T]) Pop() any {
	last := len(o.entries) - 1
	e := o.entries[last]
	o.entries[last] = entry[T]{}
	o.entries = o.entries[:last]
	delete(o.index, e.value)
	return e
}
