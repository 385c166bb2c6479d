package ebpf

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
)

// rateMemory is the map of rates in the memory of this process: user space takes tokens from the
// same buckets for the packets that are left to it. The memory stays mapped until the process ends,
// because it may do so at any time.
type rateMemory struct{ bytes []byte }

// tokenBucket is a bucket in this memory, as in police.go.
type tokenBucket struct{ fullAt, bits, size atomic.Int64 }

func (r *rateMemory) open(m *ebpf.Map, slots int) (err error) {
	page := os.Getpagesize()
	size := (slots*ratesLen + page - 1) / page * page
	if r.bytes, err = unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map pppoe_rates into memory: %w", err)
	}
	return nil
}

// bucket returns the bucket of a session for a direction: ratesUp or ratesDown.
func (r *rateMemory) bucket(slot uint32, direction int) *tokenBucket {
	return (*tokenBucket)(unsafe.Pointer(&r.bytes[int(slot)*ratesLen+direction : int(slot)*ratesLen+direction+bucketLen][0]))
}

// set sets the rate. A bucket that has it already keeps its state; another is full.
func (b *tokenBucket) set(r datapath.Rate) {
	bits, size := r.TokenBucket()
	if b.bits.Load() == bits && b.size.Load() == size {
		return
	}
	b.size.Store(size)
	b.fullAt.Store(0)
	b.bits.Store(bits)
}

// monotonic returns the time of the clock that programs read, in nanoseconds.
func monotonic() int64 {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // cannot fail
	return t.Nano()
}
