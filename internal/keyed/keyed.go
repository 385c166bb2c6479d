// Package keyed has a hash table of values that contain their keys. It takes about two words a
// value, where a map takes the key, a word and a half more, and keeps room for as many again.
package keyed

import (
	"hash/maphash"
	"iter"
	"slices"
)

// Value is a value that contains its key, like a pointer to a struct. The key must not change while
// the value is in a Table. The zero value stands for none; its TableKey is not called.
type Value[K comparable] interface {
	comparable
	TableKey() K
}

// Table holds at most one value of each key. It is open addressing with linear probing; the seed
// keeps a peer from choosing keys that collide. The zero value is empty. It may be read
// concurrently.
type Table[K comparable, V Value[K]] struct {
	seed  maphash.Seed
	slots []V // a power of two, at most three quarters of them in use
	n     int
}

// minSlots is the first number of slots.
const minSlots = 8

// Len returns the number of values.
func (t *Table[K, V]) Len() int { return t.n }

// Get returns the value of a key; zero: there is none.
func (t *Table[K, V]) Get(k K) (v V) {
	if t.n == 0 {
		return v
	}
	return t.slots[t.find(k)]
}

// Put adds a value, and replaces one of the same key.
func (t *Table[K, V]) Put(v V) {
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow()
	}
	var none V
	at := &t.slots[t.find(v.TableKey())]
	if *at == none {
		t.n++
	}
	*at = v
}

// Delete removes the value of a key, if there is one. Values that were found past it move up, so
// that a search may end at the first empty slot.
func (t *Table[K, V]) Delete(k K) {
	var none V
	if t.n == 0 {
		return
	}
	hole := t.find(k)
	if t.slots[hole] == none {
		return
	}
	t.n--
	for i := t.next(hole); t.slots[i] != none; i = t.next(i) {
		if home := t.home(t.slots[i].TableKey()); t.distance(home, i) >= t.distance(hole, i) {
			t.slots[hole], hole = t.slots[i], i
		}
	}
	t.slots[hole] = none
}

// All yields the values in no particular order. The table may change meanwhile: those that are in it
// at first are yielded.
func (t *Table[K, V]) All() iter.Seq[V] {
	var none V
	return func(yield func(V) bool) {
		for _, v := range slices.Clone(t.slots) {
			if v != none && !yield(v) {
				return
			}
		}
	}
}

// grow doubles the slots.
func (t *Table[K, V]) grow() {
	var none V
	old := t.slots
	if old == nil {
		t.seed = maphash.MakeSeed()
	}
	t.slots = make([]V, max(minSlots, 2*len(old)))
	for _, v := range old {
		if v != none {
			t.slots[t.find(v.TableKey())] = v
		}
	}
}

// find returns the slot that has the value of a key, or else the empty one where it belongs.
func (t *Table[K, V]) find(k K) int {
	var none V
	i := t.home(k)
	for t.slots[i] != none && t.slots[i].TableKey() != k {
		i = t.next(i)
	}
	return i
}

// home returns the slot at which the search for a key begins.
func (t *Table[K, V]) home(k K) int {
	return int(maphash.Comparable(t.seed, k) & uint64(len(t.slots)-1))
}

func (t *Table[K, V]) next(i int) int { return (i + 1) & (len(t.slots) - 1) }

// distance returns how many steps a search makes from one slot to another.
func (t *Table[K, V]) distance(from, to int) int { return (to - from) & (len(t.slots) - 1) }
