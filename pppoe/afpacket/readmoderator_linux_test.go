package afpacket

import (
	"testing"
	"time"

	"upppoe/pppoe/datapath"
)

// TestReadModerator: a reader pauses only in a stream: not for single frames, however frequent, and
// not before the first frame after a gap.
func TestReadModerator(t *testing.T) {
	for _, c := range []struct {
		what          string
		every         time.Duration // interval at which the reader finds nothing more
		frames, wakes int           // frames per interval, and number of intervals
		pauses        bool          // after the last interval
	}{
		{"echo requests every two milliseconds", 2 * time.Millisecond, 1, 1000, false},
		{"one frame every 200 microseconds", 200 * time.Microsecond, 1, 1000, false},
		{"ten frames every 100 microseconds", 100 * time.Microsecond, 10, 30, true},
		{"one frame every 20 microseconds", 20 * time.Microsecond, 1, 200, true},
		{"the first millisecond of a stream", 100 * time.Microsecond, 10, 9, false},
	} {
		var p readModerator
		now := time.Unix(0, 0)
		pauses := false
		for range c.wakes {
			now = now.Add(c.every)
			pauses = p.drained(now)
			p.count(make([]datapath.Frame, c.frames))
		}
		if pauses != c.pauses {
			t.Errorf("%s: pauses %v, want %v", c.what, pauses, c.pauses)
		}
		if p.drained(now.Add(5 * time.Millisecond)) {
			t.Errorf("%s: pauses before the first frame after a gap", c.what)
		}
	}
}

// TestPacketless: one packet in a read is enough for the next ones to be expected.
func TestPacketless(t *testing.T) {
	session := func(protocol ...byte) datapath.Frame {
		header := append(make([]byte, 12), 0x88, 0x64, 0x11, 0, 0, 1, 0, 2)
		return datapath.Frame{Data: append(header, protocol...)}
	}
	lcp, ipv4, ipv6 := session(0xc0, 0x21), session(0, 0x21), session(0, 0x57)
	var m readModerator
	read := func(times int, frames ...datapath.Frame) {
		for range times {
			m.count(frames)
		}
	}
	for _, packet := range []datapath.Frame{ipv4, ipv6} {
		read(packetlessReads-1, lcp, lcp)
		if m.packetless() {
			t.Errorf("after %d reads without a packet none is expected", packetlessReads-1)
		}
		read(1, lcp)
		if !m.packetless() {
			t.Errorf("after %d reads without a packet one is expected", packetlessReads)
		}
		read(1, lcp, packet)
		if m.packetless() {
			t.Error("after a packet none is expected")
		}
	}
}
