// Package deadlines keeps many deadlines in order, so that one timer is enough for all of
// them. Moving one of tens of thousands takes tens of nanoseconds.
//
// A Heap is not safe for concurrent use.
package deadlines

import "time"

// Heap holds at most one deadline for each value. The zero value is empty.
type Heap[T comparable] struct {
	entries []entry[T] // no entry is before its parent, which is at (i-1)/arity
	index   map[T]int32
	origin  time.Time // of the times of entries: the first deadline
}

// arity is the number of children of an entry: with more than two the heap has fewer levels, at
// each of which the index is written.
const arity = 4

type entry[T comparable] struct {
	at    time.Duration // since the origin
	value T
}

// Set sets the deadline of a value, and replaces an earlier one; the zero time removes the
// value.
func (h *Heap[T]) Set(value T, at time.Time) {
	i, found := h.index[value]
	switch {
	case found && at.IsZero():
		h.remove(int(i))
	case found:
		if since := at.Sub(h.origin); h.entries[i].at != since {
			h.place(int(i), entry[T]{since, value})
		}
	case !at.IsZero():
		if h.index == nil {
			h.index, h.origin = make(map[T]int32), at
		}
		h.entries = append(h.entries, entry[T]{})
		h.place(len(h.entries)-1, entry[T]{at.Sub(h.origin), value})
	}
}

// Next returns the earliest deadline; zero: there is none.
func (h *Heap[T]) Next() time.Time {
	if len(h.entries) == 0 {
		return time.Time{}
	}
	return h.origin.Add(h.entries[0].at)
}

// Pop removes and returns the value with the earliest deadline, if it is not after now.
func (h *Heap[T]) Pop(now time.Time) (value T, ok bool) {
	if len(h.entries) == 0 || h.entries[0].at > now.Sub(h.origin) {
		return value, false
	}
	value = h.entries[0].value
	h.remove(0)
	return value, true
}

// Len returns the number of deadlines.
func (h *Heap[T]) Len() int { return len(h.entries) }

// remove removes the entry at i: the last one takes its place.
func (h *Heap[T]) remove(i int) {
	delete(h.index, h.entries[i].value)
	end := len(h.entries) - 1
	last := h.entries[end]
	h.entries[end] = entry[T]{}
	h.entries = h.entries[:end]
	if i < end {
		h.place(i, last)
	}
}

// place puts an entry at i, whose own entry is overwritten, or above or below it where it
// belongs.
func (h *Heap[T]) place(i int, e entry[T]) {
	for parent := (i - 1) / arity; i > 0 && e.at < h.entries[parent].at; parent = (i - 1) / arity {
		h.put(i, h.entries[parent])
		i = parent
	}
	for child := h.firstChild(i); child >= 0 && h.entries[child].at < e.at; child = h.firstChild(i) {
		h.put(i, h.entries[child])
		i = child
	}
	h.put(i, e)
}

// firstChild returns the child of i that is before the others; -1: i has none.
func (h *Heap[T]) firstChild(i int) int {
	first := arity*i + 1
	if first >= len(h.entries) {
		return -1
	}
	for other := first + 1; other < min(arity*(i+1)+1, len(h.entries)); other++ {
		if h.entries[other].at < h.entries[first].at {
			first = other
		}
	}
	return first
}

func (h *Heap[T]) put(i int, e entry[T]) {
	h.entries[i] = e
	h.index[e.value] = int32(i)
}
