package datapath

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const ms = instant(time.Millisecond)

// TestBucket: 1 Mbit/s is 125 octets per millisecond, and a bucket of 160 ms has 20,000.
func TestBucket(t *testing.T) {
	b := newBucket(Rate{Bits: 1e6, Burst: 160 * time.Millisecond})
	for _, c := range []struct {
		what string
		at   instant
		size int
		ok   bool
	}{
		{"the first", 0, 10000, true},
		{"the rest of the bucket", 0, 10000, true},
		{"too early", 0, 1, false},
		{"with something in it a packet may owe what it lacks", 1, 12500, true},
		{"which must be there first", 100 * ms, 1, false},
		{"and then is", 100*ms + 1, 1, true},
		{"a clock that was read before", 0, 1, false},
		{"a bucket is full", 1000 * ms, 20000, true},
		{"and no fuller", 1000 * ms, 1, false},
	} {
		if got := b.take(c.at, c.size); got != c.ok {
			t.Errorf("%s: %v, want %v", c.what, got, c.ok)
		}
	}
}

// TestBucketDebt: in the long run no more octets pass in GSO packets than in small packets.
func TestBucketDebt(t *testing.T) {
	b, passed := newBucket(Rate{Bits: 8e6, Burst: 100 * time.Millisecond}), 0 // 1000 octets per millisecond, 100,000 in the bucket
	for at := range 10_000 * ms / ms {
		if b.take(at*ms, 64000) {
			passed += 64000
		}
	}
	if least, most := 10_000_000, 10_000_000+100_000+64_000; passed < least || passed > most {
		t.Errorf("%d octets passed, want %d to %d", passed, least, most)
	}
}

// TestRates: for any rate and packets, at most the bucket, the rate and one more packet pass.
func TestRates(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rate := range []Rate{
		{Bits: 1}, {Bits: 64_000}, {Bits: 1e6, Burst: time.Nanosecond}, {Bits: 100e6}, {Bits: 1e9, Burst: time.Hour},
		{Bits: 10e9}, {Bits: MaxRate}, {Bits: math.MaxUint64},
	} {
		b := newBucket(rate)
		bits, size := min(float64(rate.Bits), MaxRate), float64(b.size)/ticks/1e9
		if least := minBucket * 8 / bits; size < least*0.999 || size > max(least, maxBurst.Seconds()) {
			t.Errorf("%+v: a bucket of %v s", rate, size)
		}
		passed, at := 0, instant(0)
		for range 100_000 {
			if size := 20 + r.IntN(1481); b.take(at, size) {
				passed += size
			}
			at += instant(r.Float64() * 2 * 760 / 2 * 8e9 / bits) // twice the rate on average
		}
		allowed := bits/8*(float64(at)/1e9+size) + 1500
		if float64(passed) > allowed*1.01 {
			t.Errorf("%+v: %d octets passed, more than %.0f", rate, passed, allowed)
		}
		if full := allowed - bits/8*size; float64(passed) < full*0.9 {
			t.Errorf("%+v: %d octets passed of %.0f", rate, passed, full)
		}
	}
	if newBucket(Rate{Burst: time.Second}) != nil {
		t.Error("no rate is a bound")
	}
}

// TestBucketShared: any number of goroutines together get what the bucket has, and at most one more
// packet.
func TestBucketShared(t *testing.T) {
	b := newBucket(Rate{Bits: 1e6, Burst: time.Second}) // 125,000 octets
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				if b.take(0, 100) {
					passed.Add(100)
				}
			}
		})
	}
	if all.Wait(); passed.Load() != 125_000 {
		t.Errorf("%d octets passed, want 125000", passed.Load())
	}
}

func TestClockGoesForward(t *testing.T) {
	clock := newClock()
	if first := clock(); first < 0 || clock() < first {
		t.Errorf("a clock that began at %d goes backwards", first)
	}
}

func BenchmarkTake(b *testing.B) {
	bucket, now := newBucket(Rate{Bits: 10e9}), instant(0)
	for b.Loop() {
		bucket.take(now, 1400)
		now += 1200
	}
}

// TestBucketBounds: the smallest and the largest bucket, and the highest rate.
func TestBucketBounds(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		rate Rate
		bits int64
		size time.Duration
	}{
		{Rate{Bits: 8e6}, 8e6, 500 * ms},
		{Rate{Bits: 8e6, Burst: -1}, 8e6, 500 * ms},
		{Rate{Bits: 8e6, Burst: 1}, 8e6, 15 * ms}, // 15,000 octets
		{Rate{Bits: 8e6, Burst: 15 * ms}, 8e6, 15 * ms},
		{Rate{Bits: 8e6, Burst: 15*ms + 1}, 8e6, 15*ms + 1},
		{Rate{Bits: 8e6, Burst: time.Minute}, 8e6, time.Minute},
		{Rate{Bits: 8e6, Burst: time.Minute + 1}, 8e6, time.Minute},
		{Rate{Bits: 1000}, 1000, 120 * time.Second},
		{Rate{Bits: 1e11}, 1e11, 500 * ms},
		{Rate{Bits: 1e11 + 1}, 1e11, 500 * ms},
	} {
		if b := newBucket(c.rate); b.bits != c.bits || b.size != 16*int64(c.size) {
			t.Errorf("%+v: %d bits a second, a bucket of %v; want %d, %v", c.rate, b.bits, time.Duration(b.size/16), c.bits, c.size)
		}
	}
}
