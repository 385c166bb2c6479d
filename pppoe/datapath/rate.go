package datapath

import (
	"math"
	"sync/atomic"
	"time"
)

// Rate limits what a session carries in one direction; packets beyond it are dropped. The zero
// value is no limit.
type Rate struct {
	// Bits is the rate in bits per second of IP packets, without the headers of PPP, PPPoE and
	// Ethernet; 0: no limit.
	Bits uint64
	// Burst is the size of the token bucket, as the time that it takes to fill at the rate: an
	// idle session may send that much at once. 0: DefaultBurst. The bucket has room for at least
	// 10 packets of 1500 octets.
	Burst time.Duration
}

// DefaultBurst lets one TCP connection reach 90 % of its rate, from 512 kbit/s to 1 Gbit/s and with
// round-trip times of up to 100 ms (TestRateOfOneStream; for Linux's TCP, BenchmarkRate in
// test/bench). An empty bucket may drop all segments in flight, and Linux retransmits after at
// least 200 ms: a smaller bucket is full before that, and the link then idles. With 100 ms the
// rate halves.
const DefaultBurst = 500 * time.Millisecond

// MaxRate is the highest Rate.Bits, in bits per second; higher values are reduced to it.
const MaxRate = 100_000_000_000

// maxBurst is the longest Rate.Burst; longer values are reduced to it.
const maxBurst = time.Minute

// minBucket is the size of the smallest bucket, in octets: TCP's initial window (RFC 6928: ten
// segments).
const minBucket = 10 * 1500

// instant is a time of a path's clock, in nanoseconds.
type instant int64

// newClock returns a monotonic clock that starts at zero.
func newClock() func() instant {
	began := time.Now()
	return func() instant { return instant(time.Since(began)) }
}

// bucket is a token bucket (RFC 2697 section 3, with a single rate and colour): a packet passes
// unless the bucket is empty, and takes a token for each of its octets. The bucket may so become
// negative, because a packet is never split; no packet passes until it is positive again.
//
// Its state is the time at which it will be full. That is one number, so that any number of
// goroutines may use it without a lock. The unit is 1/16 ns, of which 40 octets take 51 at 100
// Gbit/s; the range is 18 years.
type bucket struct {
	rate  Rate  // that it was made for
	bits  int64 // per second
	size  int64 // time to fill it, in 1/16 ns
	state bucketState
}

// bucketState is when a bucket will be full, by a clock that is ahead of the path's.
type bucketState struct {
	fullAt *atomic.Int64
	ahead  instant
}

const (
	ticks  = 16 // per nanosecond
	second = ticks * int64(time.Second)
)

// newBucketState returns the state of a full bucket, by the path's clock.
func newBucketState() bucketState {
	s := bucketState{fullAt: new(atomic.Int64)}
	s.fullAt.Store(math.MinInt64)
	return s
}

// newBucket returns a full bucket; nil: the rate is no limit.
func newBucket(r Rate) *bucket {
	if r.Bits == 0 {
		return nil
	}
	b := &bucket{rate: r, state: newBucketState()}
	b.bits, b.size = r.TokenBucket()
	return b
}

// TokenBucket returns the bits per second that fill the token bucket of the rate, and the time in
// which they do, in 1/16 ns; both 0: the rate is no limit. An Offload polices with the same numbers.
func (r Rate) TokenBucket() (bits, size int64) {
	if r.Bits == 0 {
		return 0, 0
	}
	burst := r.Burst
	if burst <= 0 {
		burst = DefaultBurst
	}
	bits = int64(min(r.Bits, MaxRate))
	return bits, max(ticks*int64(min(burst, maxBurst)), cost(minBucket, bits))
}

// withRate returns the bucket for a rate: this one in its state if it has that rate. Otherwise a
// peer could fill it by renegotiating. A new bucket has the shared state, if there is one.
func (b *bucket) withRate(r Rate, shared bucketState) *bucket {
	if b != nil && b.rate == r {
		return b
	}
	n := newBucket(r)
	if n != nil && shared.fullAt != nil {
		n.state = shared
	}
	return n
}

// share returns the bucket with a state that an Offload has too, and gives that the present one.
func (b *bucket) share(state bucketState) *bucket {
	if b == nil {
		return nil
	}
	if full := b.state.fullAt.Load(); full > math.MinInt64 { // the Offload may have an older one, of an earlier process
		state.fullAt.Store(max(state.fullAt.Load(), full+int64(state.ahead-b.state.ahead)*ticks))
	}
	n := *b
	n.state = state
	return &n
}

// cost returns the time, in 1/16 ns, in which tokens for so many octets arrive.
func (b *bucket) cost(octets int) int64 { return cost(octets, b.bits) }

func cost(octets int, bits int64) int64 { return int64(octets) * 8 * second / bits }

// take takes tokens for a packet of so many octets, at most a GSO packet. It returns false if the
// bucket is empty. now may be earlier than in another goroutine's call.
func (b *bucket) take(now instant, octets int) bool {
	at := int64(now+b.state.ahead) * ticks
	for {
		full := b.state.fullAt.Load()
		from := max(full, at)
		if from-at >= b.size {
			return false
		}
		if b.state.fullAt.CompareAndSwap(full, from+b.cost(octets)) {
			return true
		}
	}
}
