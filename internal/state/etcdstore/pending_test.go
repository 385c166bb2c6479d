package etcdstore

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"upppoe/internal/state"
)

// describe is what a batch writes, in order.
func describe(batch []*change) (text string) {
	for _, c := range batch {
		if c.ended {
			text += fmt.Sprintf("-%d ", c.of)
		}
		for _, part := range c.partNumbers() {
			text += fmt.Sprintf("%d.%d=%s ", c.of, part, c.parts[part])
		}
	}
	return text
}

// TestPendingOrder: the latest values are written, in the order of the last changes, counters last.
func TestPendingOrder(t *testing.T) {
	p := newPending([]state.Generation{9})
	p.put(1, state.Counters, []byte("n"))
	p.put(2, state.Session, []byte("half-open"))
	p.delete(9)
	p.put(2, state.Session, []byte("open"))
	p.put(2, state.Counters, []byte("m"))
	p.put(3, state.IPv6, []byte("six"))
	p.put(1, state.Counters, []byte("o"))
	p.put(9, state.Session, []byte("late"))
	for _, want := range []string{"-9 ", "2.1=open 2.4=m ", "3.3=six ", "1.4=o ", ""} {
		if got := describe(p.take(1, 1<<20)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestPendingIsBounded: sessions that etcd does not know leave nothing when they end.
func TestPendingIsBounded(t *testing.T) {
	p := newPending(nil)
	for g := range state.Generation(1000) {
		p.put(g, state.Session, []byte("open"))
		p.put(g, state.Counters, []byte("n"))
		p.delete(g)
	}
	if n := len(p.changed) + p.records.Len() + p.numbers.Len(); n != 0 {
		t.Errorf("%d are pending", n)
	}
	p.put(1, state.Session, []byte("open"))
	p.take(1, 1<<20)
	p.delete(1)
	if got := describe(p.take(1, 1<<20)); got != "-1 " || len(p.written) != 0 {
		t.Errorf("%q, and %d are in etcd", got, len(p.written))
	}
}

// TestPendingLimits: batches are within the limits, but for a session that alone exceeds them.
func TestPendingLimits(t *testing.T) {
	p := newPending(nil)
	p.put(1, state.Session, make([]byte, 5000))
	for g := range state.Generation(10) {
		p.put(2+g, state.Session, make([]byte, 100))
		p.put(2+g, state.IPv6, nil)
	}
	var sizes []int
	for batch := p.take(8, 1000); len(batch) > 0; batch = p.take(8, 1000) {
		sizes = append(sizes, len(batch))
	}
	if got := fmt.Sprint(sizes); got != "[1 2 2 2 2 2]" {
		t.Errorf("batches of %v sessions", got)
	}
}

// TestPendingWritesAll: whatever is put and deleted, and taken in between, what was written in the end
// equals what a store in memory has.
func TestPendingWritesAll(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	p := newPending(nil)
	var want, got state.Memory
	ended := map[state.Generation]bool{}
	write := func(n int) {
		for _, c := range p.take(n, 1<<20) {
			if c.ended {
				got.Delete(c.of)
			}
			for part, value := range c.parts {
				got.Put(c.of, part, value)
			}
		}
	}
	for i := range 100000 {
		g := state.Generation(i/100 + r.IntN(50))
		switch r.IntN(10) {
		case 0:
			ended[g] = true
			p.delete(g)
			want.Delete(g)
		case 1:
			write(r.IntN(8))
		default:
			if !ended[g] {
				part, value := state.Part(1+r.IntN(4)), fmt.Append(nil, i)
				p.put(g, part, value)
				want.Put(g, part, value)
			}
		}
	}
	for len(p.changed) > 0 {
		write(100)
	}
	equalRecords(t, &got, &want)
}

func equalRecords(t *testing.T, got, want state.Loader) {
	t.Helper()
	collect := func(l state.Loader) map[string]string {
		all := map[string]string{}
		for g, r := range l.Records() {
			for part, value := range r {
				all[fmt.Sprint(g, ".", part)] = string(value)
			}
		}
		return all
	}
	a, b := collect(got), collect(want)
	for key, value := range b {
		if a[key] != value {
			t.Errorf("%s is %q, want %q", key, a[key], value)
		}
	}
	if len(a) != len(b) {
		t.Errorf("%d parts, want %d", len(a), len(b))
	}
}
