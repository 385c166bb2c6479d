package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestPercentiles compares the histogram's percentiles with those of the sorted durations.
func TestPercentiles(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{1, 2, 10, 1000, 10000} {
		var h histogram
		all := make([]time.Duration, n)
		for i := range all {
			all[i] = time.Duration(source.ExpFloat64() * float64(50*time.Millisecond))
			h.add(all[i])
		}
		slices.Sort(all)
		for _, q := range []float64{0, 50, 90, 99} {
			want := all[int(q/100*float64(n))]
			got := h.percentile(q)
			if d := (got - want).Abs(); d > want/50+time.Microsecond {
				t.Errorf("%d durations: percentile %v is %v, want %v", n, q, got, want)
			}
		}
		if h.percentile(100) != all[n-1] {
			t.Errorf("%d durations: the largest is %v, want %v", n, h.percentile(100), all[n-1])
		}
	}
	if n := (&histogram{}).percentile(50); n != 0 {
		t.Errorf("the median of no durations is %v", n)
	}
}

// TestBuckets: each bucket begins where the one before ends, up to the longest duration.
func TestBuckets(t *testing.T) {
	for i := range bucket(uint64(time.Duration(1<<63 - 1).Microseconds())) {
		if low := lowest(i); bucket(low) != i || i > 0 && bucket(low-1) != i-1 {
			t.Fatalf("bucket %d begins with %d, which is in %d", i, low, bucket(low))
		}
	}
}
