package afpacket

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pace has a reader that finds nothing more in a stream of frames rest, and then look again,
// instead of having the kernel wake it: else the first frame of each burst wakes it, it has
// read that before the second is there, and every frame costs a wakeup and a packet of its
// own. A frame that comes alone is read at once.
type pace struct {
	since  time.Time // the beginning of the period
	frames int       // since then
	stream bool      // the period before had as many as make a stream
}

const (
	pacePeriod = time.Millisecond
	// paceFrames in a period make a stream: some 100 Mbit/s of full frames.
	paceFrames = 10
	// paceRest is for how long a reader rests at least; the kernel's timers add 50
	// microseconds of their own.
	paceRest = 50 * time.Microsecond
)

// read counts frames.
func (p *pace) read(n int) { p.frames += n }

// empty is called when there is nothing more to be read. It reports whether to rest.
func (p *pace) empty(now time.Time) (rest bool) {
	if passed := now.Sub(p.since); passed >= pacePeriod {
		p.stream = p.frames >= paceFrames && passed < 2*pacePeriod
		p.since, p.frames = now, 0
	}
	return p.stream
}

// resting is how many readers rest with a processor of the scheduler's in hand, and
// mayRest how many may: half of those there are at the start.
var (
	resting atomic.Int32
	mayRest = int32(runtime.GOMAXPROCS(0) / 2)
)

// rest rests if there is a stream, and reports whether. The scheduler is not told, if few
// rest: it would take the processor away, and look after it every 20 microseconds from
// then on, which costs more than it gains.
func (p *pace) rest() bool {
	if !p.empty(time.Now()) {
		return false
	}
	rest := unix.NsecToTimespec(paceRest.Nanoseconds())
	if resting.Add(1) <= mayRest {
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&rest)), 0, 0)
	} else {
		unix.Nanosleep(&rest, nil)
	}
	resting.Add(-1)
	return true
}
