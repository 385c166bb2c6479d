package ebpf

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"upppoe/pppoe/datapath"
)

// policeProgram takes tokens from the bucket for packets to send of slot 0: the frame has the time in
// ticks and the number of octets, after 14 octets.
func policeProgram(m *mapFDs) asm.Instructions {
	p := &program{}
	p.add(asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R2, 14))
	p.load(inSKB, stackAddresses, 16, "drop")
	p.add(
		asm.StoreImm(asm.RFP, stackTag, 0, asm.Word),
		asm.LoadMem(asm.R9, asm.RFP, stackAddresses+8, asm.DWord),
		asm.LoadMem(asm.R1, asm.RFP, stackAddresses, asm.DWord),
		asm.StoreMem(asm.RFP, stackNow, asm.R1, asm.DWord),
	)
	p.lookup(m.rates, stackTag, "drop")
	p.add(asm.Mov.Reg(asm.R5, asm.R0), asm.Add.Imm(asm.R5, ratesDown))
	p.police("drop")
	p.ret(0)
	p.label("drop")
	p.ret(tcActShot)
	return p.ins
}

// policer runs policeProgram.
type policer struct {
	t       *testing.T
	program *ebpf.Program
	bucket  *tokenBucket
}

func newPolicer(t *testing.T, r datapath.Rate) *policer {
	t.Helper()
	i := testMaps(t)
	program, err := i.engine.hooks.load(ebpf.SchedCLS, 0, "police", policeProgram(i.maps()))
	if err != nil {
		t.Fatal(err)
	}
	check(t, i.engine.rates.use())
	p := &policer{t: t, program: program, bucket: i.engine.rates.bucket(0, ratesDown)}
	p.bucket.set(r)
	return p
}

// take reports whether a packet passes.
func (p *policer) take(now int64, octets uint64) bool {
	frame := binary.NativeEndian.AppendUint64(make([]byte, 14), uint64(now))
	frame = binary.NativeEndian.AppendUint64(frame, octets)
	verdict, err := p.program.Run(&ebpf.RunOptions{Data: frame})
	if err != nil {
		p.t.Fatal(err)
	}
	return verdict == 0
}

// TestPolicer: the program decides as the token bucket of package datapath, whose state is the time
// at which the bucket will be full, and is exact over a second at any rate.
func TestPolicer(t *testing.T) {
	for _, rate := range []datapath.Rate{
		{Bits: 64_000}, {Bits: 64_000, Burst: time.Millisecond}, {Bits: 1_000_000}, {Bits: 100_000_000}, {Bits: 1_000_000_000},
		{Bits: 10_000_000_000, Burst: 100 * time.Millisecond}, {Bits: datapath.MaxRate},
	} {
		p := newPolicer(t, rate)
		bits, size := rate.TokenBucket()
		r := rand.New(rand.NewPCG(uint64(bits), 1))
		const second, start = int64(time.Second) * bucketTicks, 12345 * int64(time.Second)
		fullAt, passed, offered := int64(0), uint64(0), bits/8*6 // three times the rate, for two seconds
		packets := max(300, min(10_000, offered/700))
		step, mean, now := 2*second/packets, offered/packets, start
		for range packets {
			now += r.Int64N(2*step + 1)
			octets := uint64(1 + r.Int64N(2*min(mean, 1<<20)))
			from := max(fullAt, now)
			want := from-now < size
			if want {
				fullAt = from + int64(octets)*costFactor/bits
				passed += octets
			}
			if got := p.take(now, octets); got != want || p.bucket.fullAt.Load() != fullAt {
				t.Fatalf("%+v: at %d, %d octets pass: %v, want %v; full at %d, want %d", rate, now, octets, got, want, p.bucket.fullAt.Load(), fullAt)
			}
		}
		if bits <= 1_000_000_000 {
			entitled := float64(bits)/8*float64(now-start)/float64(second) + float64(bits)/8*float64(size)/float64(second)
			if ratio := float64(passed) / entitled; ratio < 0.98 || ratio > 1.02 {
				t.Errorf("%+v: %d octets passed, of %.0f: %.3f", rate, passed, entitled, ratio)
			}
		}
	}
}

// TestPolicerUnlimited: a rate of 0 is no limit, and a bucket that has a rate keeps its state.
func TestPolicerUnlimited(t *testing.T) {
	p := newPolicer(t, datapath.Rate{})
	for range 10 {
		if !p.take(0, 1<<30) {
			t.Fatal("no limit, but dropped")
		}
	}
	rate := datapath.Rate{Bits: 64_000}
	p.bucket.set(rate)
	if !p.take(1, 1<<20) || p.take(1, 1) {
		t.Error("the bucket is not full at first, or not empty afterwards")
	}
	if p.bucket.set(rate); p.take(1, 1) {
		t.Error("the same rate again filled the bucket")
	}
	if p.bucket.set(datapath.Rate{Bits: 64_001}); !p.take(1, 1) {
		t.Error("another rate has an empty bucket")
	}
}

// TestPolicerConcurrent: programs on all processors and user space take from one bucket; no token is
// lost or taken twice.
func TestPolicerConcurrent(t *testing.T) {
	p := newPolicer(t, datapath.Rate{Bits: 8_000_000_000, Burst: time.Minute})
	const goroutines, each, octets = 4, 5000, 1000
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range each {
				if !p.take(0, octets) {
					t.Error("dropped")
				}
			}
		})
	}
	all.Wait()
	if got, want := p.bucket.fullAt.Load(), int64(goroutines*each*octets)*bucketTicks; got != want {
		t.Errorf("full at %d, want %d", got, want)
	}
}

// maxTick is the longest time between two timer interrupts, of which the programs read the clock: CONFIG_HZ is 100 or
// more.
const maxTick = 10 * time.Millisecond

// TestClock: programs and user space read the same clock, if a bucket is empty; otherwise the time is at most one timer
// interrupt earlier.
func TestClock(t *testing.T) {
	i := testMaps(t)
	check(t, i.engine.rates.use())
	p := &program{}
	p.add(
		asm.StoreImm(asm.RFP, stackTag, 0, asm.Word),
		asm.Mov.Reg(asm.R7, asm.RFP),
		asm.Add.Imm(asm.R7, stackTag-sessionSlot),
	)
	p.bucket(i.maps(), ratesUp, "none")
	p.add(asm.LoadMem(asm.R1, asm.RFP, stackNow, asm.DWord), asm.StoreMem(asm.R5, bucketFullAt, asm.R1, asm.DWord))
	p.label("none")
	p.ret(0)
	program, err := i.engine.hooks.load(ebpf.SchedCLS, 0, "clock", p.ins)
	if err != nil {
		t.Fatal(err)
	}
	bucket := i.engine.rates.bucket(0, ratesUp)
	bucket.set(datapath.Rate{Bits: 1_000_000})
	for name, c := range map[string]struct {
		fullAt int64
		late   time.Duration
	}{
		"full":  {0, maxTick},
		"empty": {1 << 62, 0},
	} {
		bucket.fullAt.Store(c.fullAt)
		before := monotonic()
		if _, err := program.Run(&ebpf.RunOptions{Data: make([]byte, 14)}); err != nil {
			t.Fatal(err)
		}
		after := monotonic()
		if at := bucket.fullAt.Load(); at < (before-int64(c.late))*bucketTicks || at > after*bucketTicks {
			t.Errorf("%s: the program's clock says %d, between %d and %d", name, at, before*bucketTicks, after*bucketTicks)
		}
	}
}
