package session

import (
	"iter"

	"upppoe/ppp"
)

// Output holds the frames to be sent and the events that calls of a session have
// produced. Reset allows it to be reused.
type Output struct {
	Frames ppp.Queue
	events []Event
	before []int      // for each event, how many frames were queued before it
	spare  []*Session // for a Compact that begins or is unparked
}

// maxSpare bounds the memory that is kept for further sessions.
const maxSpare = 64

// session returns memory for a session.
func (o *Output) session() *Session {
	n := len(o.spare)
	if n == 0 {
		return new(Session)
	}
	s := o.spare[n-1]
	o.spare = o.spare[:n-1]
	return s
}

// Reset empties the output and keeps its memory, but not that of its events.
func (o *Output) Reset() {
	o.Frames.Reset()
	clear(o.events)
	o.events, o.before = o.events[:0], o.before[:0]
}

// HasEvents reports whether there are events, and not only frames.
func (o *Output) HasEvents() bool { return len(o.events) > 0 }

// All yields frames and events in the order in which they were produced: either a frame
// or an event each time. Frames are valid until Reset.
func (o *Output) All() iter.Seq2[[]byte, Event] {
	return func(yield func([]byte, Event) bool) {
		sent := 0
		for i, e := range o.events {
			for ; sent < o.before[i]; sent++ {
				if !yield(o.Frames.At(sent), nil) {
					return
				}
			}
			if !yield(nil, e) {
				return
			}
		}
		for ; sent < o.Frames.Len(); sent++ {
			if !yield(o.Frames.At(sent), nil) {
				return
			}
		}
	}
}

func (o *Output) emit(e Event) {
	o.events = append(o.events, e)
	o.before = append(o.before, o.Frames.Len())
}

// position is a position in an output: the number of events and frames before it.
type position struct{ events, frames int }

func (o *Output) position() position { return position{len(o.events), o.Frames.Len()} }

// moveEventsBefore moves the events emitted since a position before the frames queued
// since it: by RFC 1661 section 4.1, This-Layer-Down precedes the answer to the packet
// that caused it.
func (o *Output) moveEventsBefore(p position) {
	for i := p.events; i < len(o.before); i++ {
		o.before[i] = p.frames
	}
}
