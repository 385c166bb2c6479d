package datapath

import (
	"math"
	"sync/atomic"
	"time"
)

// Rate bounds how much a session carries one way; what exceeds it is dropped. The zero
// value is no bound.
type Rate struct {
	// Bits is how many bits of IP packets there may be a second, without the headers of
	// PPP, PPPoE and Ethernet; 0: any number.
	Bits uint64
	// Burst is for how long a session that was idle may send as fast as it likes before
	// Bits bounds it: the size of the bucket, as a time at that rate. 0: DefaultBurst.
	// A bucket has room for 10 packets of 1500 octets at least.
	Burst time.Duration
}

// DefaultBurst lets one TCP stream reach 90 % of its rate, from 512 kbit/s to 1 Gbit/s and over
// round trips of up to 100 ms (TestRateOfOneStream; BenchmarkRate in test/bench measures Linux's).
// When a bucket is empty, all that TCP has in flight may be lost, which only its retransmission
// timer tells, after 200 ms at least in Linux: a bucket that is full before that wastes the rest
// of the time, and with 100 ms half of the rate.
const DefaultBurst = 500 * time.Millisecond

// MaxRate is the greatest Rate.Bits, in bits a second: what is more is taken as that.
const MaxRate = 1_000_000_000_000

// maxBurst is the longest Rate.Burst: what is more is taken as that.
const maxBurst = time.Minute

// minBucket is the size of the smallest bucket, in octets: what a host sends at once when
// it begins (RFC 6928: ten segments).
const minBucket = 10 * 1500

// instant is a time of a path's clock, in nanoseconds.
type instant int64

// newClock makes a clock, which counts from now.
func newClock() func() instant {
	began := time.Now()
	return func() instant { return instant(time.Since(began)) }
}

// bucket is a token bucket (RFC 2697 section 3, of a single rate and colour): a packet
// passes unless the bucket is empty, and takes a token for each of its octets. So the bucket
// may owe some, for a packet is never cut; and none passes until they are there again.
//
// What it holds is kept as the time at which it is full again. That is one number, so that
// any number of goroutines may use it without a lock. It is in 1/16 ns, of which 40 octets
// take 32 at 160 Gbit/s; it reaches for 18 years.
type bucket struct {
	rate   Rate         // what it was made of
	bits   int64        // a second
	size   int64        // 1/16 ns that it takes to fill
	fullAt atomic.Int64 // when it is full
}

const (
	ticks  = 16 // of a nanosecond
	second = ticks * int64(time.Second)
)

// newBucket makes a bucket that is full; nil: the rate is no bound.
func newBucket(r Rate) *bucket {
	if r.Bits == 0 {
		return nil
	}
	burst := r.Burst
	if burst <= 0 {
		burst = DefaultBurst
	}
	b := &bucket{rate: r, bits: int64(min(r.Bits, MaxRate))}
	b.size = max(ticks*int64(min(burst, maxBurst)), b.cost(minBucket))
	b.fullAt.Store(math.MinInt64)
	return b
}

// withRate is the bucket of a rate: this one, as full as it is, if that is its rate. Else a peer
// that negotiates anew could fill it whenever it likes.
func (b *bucket) withRate(r Rate) *bucket {
	if b != nil && b.rate == r {
		return b
	}
	return newBucket(r)
}

// cost is how long it takes until there are tokens for so many octets.
func (b *bucket) cost(octets int) int64 { return int64(octets) * 8 * second / b.bits }

// take takes tokens for a packet of so many octets, at most those of a GSO packet. False:
// it is empty. A time before that of another goroutine is no harm.
func (b *bucket) take(now instant, octets int) bool {
	at := int64(now) * ticks
	for {
		full := b.fullAt.Load()
		from := max(full, at)
		if from-at >= b.size {
			return false
		}
		if b.fullAt.CompareAndSwap(full, from+b.cost(octets)) {
			return true
		}
	}
}
