package deadlines

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestAgainstModel compares the heap with a map after random operations.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h Heap[int]
		model := map[int]time.Time{}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				v := rapid.IntRange(0, 20).Draw(t, "value")
				at := epoch.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "at")) * time.Second)
				h.Set(v, at)
				model[v] = at
			},
			"remove": func(t *rapid.T) {
				v := rapid.IntRange(0, 20).Draw(t, "value")
				h.Set(v, time.Time{})
				delete(model, v)
			},
			"pop": func(t *rapid.T) {
				now := epoch.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "now")) * time.Second)
				v, ok := h.Pop(now)
				first := earliest(model)
				if ok != (!first.IsZero() && !first.After(now)) {
					t.Fatalf("Pop(%v) returns %v, though the earliest is %v", now, ok, first)
				}
				if ok && !model[v].Equal(first) {
					t.Fatalf("popped %d at %v before %v", v, model[v], first)
				}
				if ok {
					delete(model, v)
				}
			},
			"": func(t *rapid.T) {
				if h.Len() != len(model) || !h.Next().Equal(earliest(model)) {
					t.Fatalf("holds %d, next %v; want %d, %v", h.Len(), h.Next(), len(model), earliest(model))
				}
			},
		})
	})
}

func earliest(model map[int]time.Time) (first time.Time) {
	for _, at := range model {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first
}

func BenchmarkMove(b *testing.B) {
	var h Heap[int]
	for i := range 65535 {
		h.Set(i, epoch.Add(time.Duration(i)*time.Second))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		h.Set(i%65535, epoch.Add(time.Duration(i*7919%65535)*time.Second))
	}
}

// TestNoAllocation: a value that expires and is set again, as an echo does, allocates nothing.
func TestNoAllocation(t *testing.T) {
	var h Heap[int]
	now := epoch
	for i := range 100 {
		h.Set(i, now.Add(time.Duration(i)*time.Second))
	}
	if n := testing.AllocsPerRun(100, func() {
		now = h.Next()
		v, _ := h.Pop(now)
		h.Set(v, now.Add(time.Minute))
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkExpire is what each echo of tens of thousands of sessions costs.
func BenchmarkExpire(b *testing.B) {
	var h Heap[int]
	for i := range 65535 {
		h.Set(i, epoch.Add(time.Duration(i*7919%65535)*time.Millisecond))
	}
	b.ReportAllocs()
	for b.Loop() {
		now := h.Next()
		v, _ := h.Pop(now)
		h.Set(v, now.Add(65535*time.Millisecond))
	}
}
