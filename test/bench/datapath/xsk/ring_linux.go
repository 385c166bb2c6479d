package xsk

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ringLen is the number of entries of each ring, a power of two.
const ringLen = 4096

// ring is one of the four rings shared with the kernel; one side writes it, the other reads it
// (linux/if_xdp.h). Its entries are addresses in the frame memory, or descriptors. The program
// keeps a copy of its own index, which only it advances.
type ring[Entry uint64 | unix.XDPDesc] struct {
	producer, consumer, flags *atomic.Uint32
	entries                   *[ringLen]Entry
	own                       uint32
}

// mapRing creates a ring and maps it.
func mapRing[Entry uint64 | unix.XDPDesc](fd, option int, page int64, at unix.XDPRingOffset) (r ring[Entry], err error) {
	if err := unix.SetsockoptInt(fd, unix.SOL_XDP, option, ringLen); err != nil {
		return r, fmt.Errorf("create ring %d: %w", option, err)
	}
	size := int(at.Desc) + ringLen*int(unsafe.Sizeof(*new(Entry)))
	b, err := unix.Mmap(fd, page, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return r, fmt.Errorf("map ring %d: %w", option, err)
	}
	word := func(at uint64) *atomic.Uint32 { return (*atomic.Uint32)(unsafe.Pointer(&b[at])) }
	r.producer, r.consumer, r.flags = word(at.Producer), word(at.Consumer), word(at.Flags)
	r.entries = (*[ringLen]Entry)(unsafe.Pointer(&b[at.Desc]))
	return r, nil
}

// available returns the number of entries that the program can read.
func (r *ring[Entry]) available() int { return int(r.producer.Load() - r.own) }

// next reads one entry.
func (r *ring[Entry]) next() Entry {
	e := r.entries[r.own%ringLen]
	r.own++
	return e
}

// release returns the entries that were read to the kernel.
func (r *ring[Entry]) release() { r.consumer.Store(r.own) }

// put writes an entry. There must be room.
func (r *ring[Entry]) put(e Entry) {
	r.entries[r.own%ringLen] = e
	r.own++
}

// publish makes the written entries visible to the kernel.
func (r *ring[Entry]) publish() { r.producer.Store(r.own) }

// unconsumed returns the number of published entries that the kernel has not read.
func (r *ring[Entry]) unconsumed() int { return int(r.own - r.consumer.Load()) }

// needsWakeup reports whether the kernel reads the ring only after a wakeup.
func (r *ring[Entry]) needsWakeup() bool { return r.flags.Load()&unix.XDP_RING_NEED_WAKEUP != 0 }

// rings are the four rings of a socket.
type rings struct {
	fill, completion ring[uint64] // memory for frames to receive; of frames that were sent
	rx, tx           ring[unix.XDPDesc]
}

func (r *rings) open(fd int) (err error) {
	var at unix.XDPMmapOffsets
	length := uint32(unsafe.Sizeof(at))
	if _, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_XDP, unix.XDP_MMAP_OFFSETS,
		uintptr(unsafe.Pointer(&at)), uintptr(unsafe.Pointer(&length)), 0); errno != 0 {
		return fmt.Errorf("get ring offsets: %w", errno)
	}
	var errs [4]error
	r.fill, errs[0] = mapRing[uint64](fd, unix.XDP_UMEM_FILL_RING, unix.XDP_UMEM_PGOFF_FILL_RING, at.Fr)
	r.completion, errs[1] = mapRing[uint64](fd, unix.XDP_UMEM_COMPLETION_RING, unix.XDP_UMEM_PGOFF_COMPLETION_RING, at.Cr)
	r.rx, errs[2] = mapRing[unix.XDPDesc](fd, unix.XDP_RX_RING, unix.XDP_PGOFF_RX_RING, at.Rx)
	r.tx, errs[3] = mapRing[unix.XDPDesc](fd, unix.XDP_TX_RING, unix.XDP_PGOFF_TX_RING, at.Tx)
	return errors.Join(errs[:]...)
}
