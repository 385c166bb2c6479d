package deadlines

import "time"

// tree is a heap of deadlines: no entry is before its parent, which is at (i-1)/arity. Its methods call
// moved with each value that they move, and its new place.
type tree[T any] []entry[T]

// arity is the number of children of an entry: with more than two the heap has fewer levels, at
// each of which the value's place is recorded.
const arity = 4

type entry[T any] struct {
	at    time.Duration // since the origin
	value T
}

// add returns the tree with another entry.
func (t tree[T]) add(e entry[T], moved func(T, int)) tree[T] {
	t = append(t, e)
	t.place(len(t)-1, e, moved)
	return t
}

// remove returns the tree without the entry at i: the last one takes its place.
func (t tree[T]) remove(i int, moved func(T, int)) tree[T] {
	end := len(t) - 1
	last := t[end]
	t[end] = entry[T]{}
	t = t[:end]
	if i < end {
		t.place(i, last, moved)
	}
	return t
}

// place puts an entry at i, whose own entry is overwritten, or above or below it where it
// belongs.
func (t tree[T]) place(i int, e entry[T], moved func(T, int)) {
	put := func(i int, e entry[T]) {
		t[i] = e
		moved(e.value, i)
	}
	for parent := (i - 1) / arity; i > 0 && e.at < t[parent].at; parent = (i - 1) / arity {
		put(i, t[parent])
		i = parent
	}
	for child := t.firstChild(i); child >= 0 && t[child].at < e.at; child = t.firstChild(i) {
		put(i, t[child])
		i = child
	}
	put(i, e)
}

// firstChild returns the child of i that is before the others; -1: i has none.
func (t tree[T]) firstChild(i int) int {
	first := arity*i + 1
	if first >= len(t) {
		return -1
	}
	for other := first + 1; other < min(arity*(i+1)+1, len(t)); other++ {
		if t[other].at < t[first].at {
			first = other
		}
	}
	return first
}
