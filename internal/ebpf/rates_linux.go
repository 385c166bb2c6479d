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

// mappedMemory is a map in the memory of this process. It stays mapped until the process ends,
// because user space may take tokens from the buckets there at any time.
type mappedMemory struct{ bytes []byte }

func (r *mappedMemory) open(m *ebpf.Map, size int) (err error) {
	page := os.Getpagesize()
	if r.bytes, err = unix.Mmap(m.FD(), 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return fmt.Errorf("map a BPF map into memory: %w", err)
	}
	return nil
}

// rateMemory is the map of rates: user space takes tokens from the same buckets for the packets that
// are left to it. It is mapped once a session has a rate, since all of its pages then count as memory of
// this process.
type rateMemory struct {
	mappedMemory
	of   *ebpf.Map
	size int // in octets
}

// use maps the memory, unless it is mapped.
func (r *rateMemory) use() error {
	if r.bytes != nil {
		return nil
	}
	return r.open(r.of, r.size)
}

// reset empties the state of the buckets of a slot that no session has. The memory is mapped.
func (r *rateMemory) reset(slot uint32) {
	r.bucket(slot, ratesUp).set(datapath.Rate{})
	r.bucket(slot, ratesDown).set(datapath.Rate{})
}

// tokenBucket is a bucket in this memory, as in police.go.
type tokenBucket struct{ fullAt, bits, size atomic.Int64 }

// bucket returns the bucket of a session for a direction: ratesUp or ratesDown. If the memory could not be
// mapped, it is one of user space alone, which then carries the session.
func (r *rateMemory) bucket(slot uint32, direction int) *tokenBucket {
	if r.bytes == nil {
		return new(tokenBucket)
	}
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
