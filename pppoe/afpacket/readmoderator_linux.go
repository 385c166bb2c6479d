package afpacket

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readModerator has a reader that finds nothing more in a stream of frames rest, and then look again,
// instead of having the kernel wake it: else the first frame of each burst wakes it, it has
// read that before the second is there, and every frame costs a wakeup and a packet of its
// own. A frame that comes alone is read at once.
type readModerator struct {
	periodStart time.Time // the beginning of the period
	frames      int       // since then
	stream      bool      // the period before had as many as make a stream
}

const (
	moderationPeriod = time.Millisecond
	// streamFrames in a period make a stream: some 100 Mbit/s of full frames.
	streamFrames = 10
	// pauseTime is for how long a reader rests at least; the kernel's timers add 50
	// microseconds of their own.
	pauseTime = 50 * time.Microsecond
)

// count counts frames.
func (p *readModerator) count(n int) { p.frames += n }

// drained is called when there is nothing more to be read. It reports whether to rest.
func (p *readModerator) drained(now time.Time) (rest bool) {
	if passed := now.Sub(p.periodStart); passed >= moderationPeriod {
		p.stream = p.frames >= streamFrames && passed < 2*moderationPeriod
		p.periodStart, p.frames = now, 0
	}
	return p.stream
}

// resting is how many readers rest with a processor of the scheduler's in hand, and
// maxPausing how many may: half of those there are at the start.
var (
	pausing    atomic.Int32
	maxPausing = int32(runtime.GOMAXPROCS(0) / 2)
)

// pause rests if there is a stream, and reports whether. The scheduler is not told, if few
// rest: it would take the processor away, and look after it every 20 microseconds from
// then on, which costs more than it gains.
func (p *readModerator) pause() bool {
	if !p.drained(time.Now()) {
		return false
	}
	rest := unix.NsecToTimespec(pauseTime.Nanoseconds())
	if pausing.Add(1) <= maxPausing {
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&rest)), 0, 0)
	} else {
		unix.Nanosleep(&rest, nil)
	}
	pausing.Add(-1)
	return true
}
