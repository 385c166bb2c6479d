package deadlines

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

type timed struct {
	id    int
	timer Timer
}

func (t *timed) Timer() *Timer { return &t.timer }

// TestCompact: the order is that of a Heap, whatever is set, moved and removed.
func TestCompact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	epoch := time.Unix(0, 0)
	var compact Compact[*timed]
	var plain Heap[*timed]
	at := make(map[*timed]time.Duration)
	values := make([]*timed, 200)
	for i := range values {
		values[i] = &timed{id: i}
	}
	for step := range 20000 {
		v := values[r.IntN(len(values))]
		switch r.IntN(4) {
		case 0:
			compact.Remove(v)
			plain.Set(v, time.Time{})
		case 1:
			now := time.Duration(r.IntN(1000) + 1)
			got, ok := compact.Pop(now)
			want, wantOK := plain.Pop(epoch.Add(now))
			if ok != wantOK {
				t.Fatalf("step %d: popped %v, %v, want %v, %v", step, got, ok, want, wantOK)
			}
			if ok && got != want { // of equal deadlines, either may be first
				if at[got] != at[want] {
					t.Fatalf("step %d: popped %v, want %v", step, got, want)
				}
				plain.Set(got, time.Time{})
				plain.Set(want, epoch.Add(at[want]))
			}
		default:
			at[v] = time.Duration(r.IntN(2000) + 1)
			compact.Set(v, at[v])
			plain.Set(v, epoch.Add(at[v]))
		}
		next, ok := compact.Next()
		if compact.Len() != plain.Len() || ok && !plain.Next().Equal(epoch.Add(next)) {
			t.Fatalf("step %d: %d deadlines, next %v; want %d, %v", step, compact.Len(), next, plain.Len(), plain.Next())
		}
	}
	var order []time.Duration
	for v, ok := compact.Pop(1 << 40); ok; v, ok = compact.Pop(1 << 40) {
		order = append(order, at[v])
	}
	if !slices.IsSorted(order) || compact.Len() != 0 {
		t.Errorf("popped in the order %v", order)
	}
}

// BenchmarkCompactExpire is what each echo of tens of thousands of sessions costs, whose records are
// larger than a cache line.
func BenchmarkCompactExpire(b *testing.B) {
	var h Compact[*large]
	for i := range 65535 {
		h.Set(&large{}, time.Duration(i*7919%65535)*time.Millisecond)
	}
	b.ReportAllocs()
	for b.Loop() {
		now, _ := h.Next()
		v, _ := h.Pop(now)
		h.Set(v, now+65535*time.Millisecond)
	}
}

type large struct {
	timer Timer
	_     [600]byte
}

func (l *large) Timer() *Timer { return &l.timer }
