package afpacket

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
)

// readModerator is interrupt moderation for a reader: in a stream of frames, a reader that has read
// all frames pauses and then reads again, in place of a wait in the kernel. Otherwise the first
// frame of each burst wakes it, it has read that before the second arrives, and every frame costs a
// wakeup. A single frame is read at once.
type readModerator struct {
	periodStart time.Time // when the current period began
	frames      int       // in the current period
	stream      bool      // the previous period had a stream
	reads       int       // since the last with a packet, up to packetlessReads
}

const (
	moderationPeriod = time.Millisecond
	// streamFrames per period are a stream: about 100 Mbit/s of full frames.
	streamFrames = 10
	// pauseTime is the minimum length of a pause; the kernel's timers add 50 microseconds.
	pauseTime = 50 * time.Microsecond
	// packetlessReads are reads without a packet after which none is expected soon.
	packetlessReads = 64
)

// count counts received frames.
func (m *readModerator) count(frames []datapath.Frame) {
	m.frames += len(frames)
	m.reads = min(m.reads+1, packetlessReads)
	if slices.ContainsFunc(frames, func(f datapath.Frame) bool { return datapath.IsPacket(f.Data) }) {
		m.reads = 0
	}
}

// packetless reports whether no IP packet is expected soon, so that the reader may wait at less cost, if
// somewhat longer: the control frames of idle sessions are not urgent.
func (m *readModerator) packetless() bool { return m.reads == packetlessReads }

// drained is called when there is nothing more to read. It reports whether to pause.
func (m *readModerator) drained(now time.Time) (pause bool) {
	if passed := now.Sub(m.periodStart); passed >= moderationPeriod {
		m.stream = m.frames >= streamFrames && passed < 2*moderationPeriod
		m.periodStart, m.frames = now, 0
	}
	return m.stream
}

// pausing is the number of readers that pause without releasing their scheduler's processor (P),
// and maxPausing the maximum: half of the processors.
var (
	pausing    atomic.Int32
	maxPausing = int32(runtime.GOMAXPROCS(0) / 2)
)

// pause pauses if there is a stream, and reports whether it has. If few readers pause, it does so
// without notice to the scheduler, which would reassign the processor and poll it every 20
// microseconds, at a higher cost than it gains.
func (m *readModerator) pause() bool {
	if !m.drained(time.Now()) {
		return false
	}
	duration := unix.NsecToTimespec(pauseTime.Nanoseconds())
	if pausing.Add(1) <= maxPausing {
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&duration)), 0, 0)
	} else {
		unix.Nanosleep(&duration, nil)
	}
	pausing.Add(-1)
	return true
}
