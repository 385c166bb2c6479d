package load

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets of at most 1.6 % width, so that its size does not depend on
// their number. The zero value is empty.
type histogram struct {
	buckets [64 * subBuckets]uint32
	count   int
	max     time.Duration
}

// subBuckets is the number of buckets between two powers of two, in microseconds.
const subBuckets = 64

func bucket(us uint64) int {
	shift := max(bits.Len64(us)-bits.Len64(subBuckets), 0)
	return shift*subBuckets + int(us>>shift)
}

// lowest returns the lowest value of a bucket, in microseconds.
func lowest(bucket int) uint64 {
	shift := max(bucket/subBuckets-1, 0)
	return uint64(bucket-shift*subBuckets) << shift
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucket(uint64(max(d, 0).Microseconds()))]++
	h.count++
	h.max = max(h.max, d)
}

// percentile returns a duration that q percent of all durations do not exceed.
func (h *histogram) percentile(q float64) time.Duration {
	rank := int(q / 100 * float64(h.count))
	seen := 0
	for i, n := range h.buckets {
		seen += int(n)
		if n > 0 && seen > rank {
			return min(time.Duration(lowest(i+1)-1)*time.Microsecond, h.max)
		}
	}
	return h.max
}
