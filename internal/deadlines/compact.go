package deadlines

import "time"

// Timer is the part of a value that a Compact heap needs. The zero value has no deadline.
type Timer struct {
	position int32 // in the heap, from 1; 0: not in it
}

// Timed is a value with a Timer, like a pointer to a struct that contains one.
type Timed interface {
	comparable
	Timer() *Timer
}

// Compact is a Heap of values that contain their Timers, in place of an index. Its times are since an
// origin of the caller's choice. The zero value is empty.
type Compact[T Timed] struct {
	tree tree[T]
}

// Set sets the deadline of a value, and replaces an earlier one.
func (h *Compact[T]) Set(value T, at time.Duration) {
	e := entry[T]{at, value}
	switch i := int(value.Timer().position) - 1; {
	case i < 0:
		h.tree = h.tree.add(e, moved)
	case h.tree[i].at != at:
		h.tree.place(i, e, moved)
	}
}

// Remove removes the deadline of a value, if it has one.
func (h *Compact[T]) Remove(value T) {
	if t := value.Timer(); t.position > 0 {
		h.tree = h.tree.remove(int(t.position)-1, moved)
		t.position = 0
	}
}

// Next returns the earliest deadline; false: there is none.
func (h *Compact[T]) Next() (at time.Duration, ok bool) {
	if len(h.tree) == 0 {
		return 0, false
	}
	return h.tree[0].at, true
}

// Pop removes and returns the value with the earliest deadline, if it is not after now.
func (h *Compact[T]) Pop(now time.Duration) (value T, ok bool) {
	if at, found := h.Next(); !found || at > now {
		return value, false
	}
	value = h.tree[0].value
	h.Remove(value)
	return value, true
}

// Len returns the number of deadlines.
func (h *Compact[T]) Len() int { return len(h.tree) }

// moved records the place of a value.
func moved[T Timed](value T, i int) { value.Timer().position = int32(i) + 1 }
