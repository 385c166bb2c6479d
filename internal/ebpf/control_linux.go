package ebpf

import (
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
)

// controlMemory is the control map, or that of an EgressFence.
type controlMemory struct{ mappedMemory }

// count counts a change of prefixes.
func (c *controlMemory) count() { c.word(controlChange).Add(1) }

func (c *controlMemory) word(offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(&c.bytes[offset : offset+8][0]))
}

// setDeadline sets the deadline that programs check; the zero time: none.
func (c *controlMemory) setDeadline(t time.Time) {
	c.word(controlDeadline).Store(uint64(datapath.DeadlineOf(t, BootTime())))
}

// SetDeadline sets the time from which on the kernel drops the packets of all sessions, in both
// directions, also when this process does not run: that of a server which loses its right to its
// sessions then, unless it sets a later deadline before. A time that has passed takes effect at once; the
// zero time is no deadline. Pinned maps keep the deadline of the predecessor until it is called. It takes
// no lock.
func (e *Engine) SetDeadline(t time.Time) { e.control.setDeadline(t) }

// BootTime returns the time of CLOCK_BOOTTIME, which goes on while the machine is suspended.
func BootTime() time.Duration {
	var t unix.Timespec
	unix.ClockGettime(unix.CLOCK_BOOTTIME, &t) // cannot fail
	return time.Duration(t.Nano())
}
