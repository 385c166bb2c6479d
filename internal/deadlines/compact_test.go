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
				if got.timer.at != want.timer.at {
					t.Fatalf("step %d: popped %v, want %v", step, got, want)
				}
				plain.Set(got, time.Time{})
				plain.Set(want, epoch.Add(want.timer.at))
			}
		default:
			at := time.Duration(r.IntN(2000) + 1)
			compact.Set(v, at)
			plain.Set(v, epoch.Add(at))
		}
		at, ok := compact.Next()
		if compact.Len() != plain.Len() || ok && !plain.Next().Equal(epoch.Add(at)) {
			t.Fatalf("step %d: %d deadlines, next %v; want %d, %v", step, compact.Len(), at, plain.Len(), plain.Next())
		}
	}
	var order []time.Duration
	for v, ok := compact.Pop(1 << 40); ok; v, ok = compact.Pop(1 << 40) {
		order = append(order, v.timer.at)
	}
	if !slices.IsSorted(order) || compact.Len() != 0 {
		t.Errorf("popped in the order %v", order)
	}
}
