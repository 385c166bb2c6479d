package afpacket

import (
	"time"

	"golang.org/x/sys/unix"
)

// pace has a reader that is woken in a stream of frames rest before it reads: else the first
// frame of each burst wakes it, it has read that before the second is there, and every
// frame costs a wakeup and a packet of its own. A frame that comes alone is read at once.
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

// woken is called when there is something to be read after there was nothing. It says
// whether to rest first.
func (p *pace) woken(now time.Time) (rest bool) {
	if passed := now.Sub(p.since); passed >= pacePeriod {
		p.stream = p.frames >= paceFrames && passed < 2*pacePeriod
		p.since, p.frames = now, 0
	}
	return p.stream
}

// wake is woken, with the rest taken.
func (p *pace) wake() {
	if p.woken(time.Now()) {
		rest := unix.NsecToTimespec(paceRest.Nanoseconds())
		unix.Nanosleep(&rest, nil)
	}
}
