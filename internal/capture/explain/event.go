package explain

import (
	"fmt"
	"hash/maphash"

	"upppoe/pppoe/wire"
)

// How many events of a session are kept: its first ones, and its last ones.
const (
	maxFirst    = 160
	maxLast     = 40
	maxComments = 16
	maxPacket   = 1200 // octets of a packet's text
)

// event adds an event for a frame, and ends a run of data and echoes. It returns the event, valid until the
// next one; nil: there was no room.
func (a *Analyzer) event(c *conversation, f *frame, s side, e Event) *Event {
	c.endRun()
	e.Frame, e.Seconds, e.From = f.number, c.seconds(f.at), c.from(f, s)
	if len(e.Packet) > maxPacket {
		e.Packet = e.Packet[:maxPacket] + " ..."
	}
	for _, text := range f.comments[:min(len(f.comments), maxComments)] {
		e.Comments = append(e.Comments, wire.EscapeText(text))
	}
	if !a.keep(c, e) {
		return nil
	}
	return c.lastEvent()
}

// from returns the sender as a marker of a side, or as an address.
func (c *conversation) from(f *frame, s side) string {
	switch {
	case s != noSide:
		return the(s)
	case f.isComment():
		return ""
	}
	return f.src.String()
}

// size is about the memory of an event, in octets.
func (e *Event) size() int {
	n := 200 + len(e.Text) + len(e.Packet) + len(e.What)
	for _, c := range e.Comments {
		n += len(c) + 16
	}
	return n
}

// keep stores an event, among the first or the last ones; false: there was no room.
func (a *Analyzer) keep(c *conversation, e Event) bool {
	n := e.size()
	if a.budget < n {
		c.s.OmittedEvents++
		return false
	}
	a.budget -= n
	c.text += n
	if len(c.s.Events) < maxFirst {
		c.s.Events = append(c.s.Events, e)
		return true
	}
	if len(c.tail) == maxLast {
		dropped := c.tail[0].size()
		a.budget += dropped
		c.text -= dropped
		copy(c.tail, c.tail[1:])
		c.tail = c.tail[:maxLast-1]
		c.s.OmittedEvents++
	}
	c.tail = append(c.tail, e)
	return true
}

// lastEvent returns the last event that was kept.
func (c *conversation) lastEvent() *Event {
	if len(c.tail) > 0 {
		return &c.tail[len(c.tail)-1]
	}
	return &c.s.Events[len(c.s.Events)-1]
}

// recentFrames is how many frames of each side are compared to find retransmissions.
const recentFrames = 16

// recent has the hashes of the last frames of a side.
type recent struct {
	hashes [recentFrames]uint64
	next   int
}

var hashSeed = maphash.MakeSeed()

// repeated reports whether a frame is one of the last ones again, and adds it.
func (r *recent) repeated(packet []byte) bool {
	h := maphash.Bytes(hashSeed, packet) | 1
	for _, before := range r.hashes {
		if before == h {
			return true
		}
	}
	r.hashes[r.next] = h
	r.next = (r.next + 1) % recentFrames
	return false
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Printable returns an untrusted text, like the name of a file, for a report.
func Printable(text string) string { return wire.EscapeText(text) }
