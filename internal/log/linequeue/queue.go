// Package linequeue writes lines to slow readers without blocking the program: lines that do not
// fit into a bounded queue are dropped and counted.
package linequeue

import (
	"log/slog"
	"sync"
	"time"
)

// Line is a line of a log or of an event stream, with its newline if it has one.
type Line struct {
	Level slog.Level
	Text  []byte
}

// Queue passes lines to a writer, in order. Its methods may be called concurrently; only Flush
// blocks.
type Queue struct {
	write  func(Line) error
	report func(dropped int) Line
	join   bool
	joined []byte // for the goroutine that writes

	mu       sync.Mutex
	lines    []entry // in room, whose beginning is free again
	room     []entry
	text     []byte        // of lines, some of which may be written already
	size     int           // of lines, in octets
	dropped  int           // since the last line that was queued
	skipping bool          // from the first dropped line until half of the queue is free
	idle     chan struct{} // closed while no goroutine writes
	writing  bool
}

// entry is a queued line, and how many lines are lost if it cannot be written: a report counts for
// all that it reports.
type entry struct {
	Line
	counts int
}

// Limits of a queue.
const (
	MaxLines = 4096
	MaxSize  = 1 << 20 // octets
)

// Bounds of the room for lines that is kept while the queue is empty.
const (
	minRoom = 16
	maxRoom = 256
)

// minText is how much memory lines share, in octets.
const minText = 4096

// maxJoined is the length up to which lines are joined, in octets: what a pipe takes as a whole
// (PIPE_BUF, pipe(7)), so that lines of other processes come between ours only.
const maxJoined = 4096

// New returns a queue. Write writes a line, whose text is valid until it returns; it is called by one
// goroutine at a time, and may block. A line for which it returns an error counts as dropped. Report returns the line that says
// how many lines were dropped, which is written once lines can be written again.
func New(write func(Line) error, report func(dropped int) Line) *Queue {
	q := &Queue{write: write, report: report, idle: make(chan struct{})}
	close(q.idle)
	return q
}

// NewJoining is New for a writer of octets: lines that wait are joined, so that many cost few system
// calls. The level of the text is that of the first line.
func NewJoining(write func(Line) error, report func(dropped int) Line) *Queue {
	q := New(write, report)
	q.join = true
	return q
}

// Put queues a copy of a line, or drops it. It does not block.
func (q *Queue) Put(l Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.full(l) {
		q.dropped++
		return
	}
	q.add(l)
	if !q.writing {
		q.writing, q.idle = true, make(chan struct{})
		// Ends when the queue is empty, or with the program if nobody reads.
		go q.drain()
	}
}

// full reports whether there is no room for a line. After a dropped line there is none until half
// of the queue is free: otherwise a slow reader would get lines and reports alternately.
func (q *Queue) full(l Line) bool {
	if q.skipping {
		q.skipping = len(q.lines) > MaxLines/2 || q.size > MaxSize/2
	} else {
		q.skipping = len(q.lines) >= MaxLines || q.size+len(l.Text) > MaxSize
	}
	return q.skipping
}

// add queues a line, after the report of lines dropped before it.
func (q *Queue) add(l Line) {
	if q.dropped > 0 {
		q.append(q.takeReport())
	}
	l.Text = q.keep(l.Text)
	q.append(entry{l, 1})
}

// keep returns a copy of a text. Texts share memory, which is used again once the queue was empty.
func (q *Queue) keep(text []byte) []byte {
	if len(q.text)+len(text) > cap(q.text) {
		q.text = make([]byte, 0, max(minText, len(text)))
	}
	begin := len(q.text)
	q.text = append(q.text, text...)
	return q.text[begin:len(q.text):len(q.text)]
}

func (q *Queue) append(e entry) {
	if n := len(q.lines); n == cap(q.lines) {
		if 2*n >= cap(q.room) {
			q.room = make([]entry, 2*n+minRoom)
		}
		q.lines = append(q.room[:0], q.lines...)
	}
	q.lines = append(q.lines, e)
	q.size += len(e.Text)
}

// takeReport returns the report of all lines dropped so far.
func (q *Queue) takeReport() entry {
	e := entry{q.report(q.dropped), q.dropped}
	q.dropped = 0
	return e
}

// drain writes until the queue is empty.
func (q *Queue) drain() {
	failed := 0
	for {
		e, ok := q.next(failed)
		if !ok {
			return
		}
		if failed > 0 && q.write(q.report(failed)) != nil {
			failed += e.counts
			continue
		}
		failed = 0
		if q.write(e.Line) != nil {
			failed = e.counts
		}
	}
}

// next takes the next line out of the queue. At its end that is the report of dropped lines. ok is
// false when nothing is left; lines that could not be written then count as dropped until there is
// another line.
func (q *Queue) next(failed int) (e entry, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.lines) > 0:
		return q.take(), true
	case q.dropped > 0 && failed == 0:
		q.skipping = false
		return q.takeReport(), true
	}
	q.dropped += failed
	q.lines, q.writing = q.room[:0], false
	if cap(q.room) > maxRoom {
		q.lines, q.room = nil, nil
	}
	if q.text = q.text[:0]; cap(q.text) > minText {
		q.text = nil
	}
	close(q.idle)
	return entry{}, false
}

// take takes a line out of the queue, or more that are joined.
func (q *Queue) take() (e entry) {
	e = q.first()
	if q.canJoin(len(e.Text)) {
		q.joined = append(q.joined[:0], e.Text...)
		for q.canJoin(len(q.joined)) {
			next := q.first()
			q.joined = append(q.joined, next.Text...)
			e.counts += next.counts
		}
		e.Text = q.joined
	}
	q.size -= len(e.Text)
	return e
}

// first removes the first line.
func (q *Queue) first() (e entry) {
	e, q.lines[0] = q.lines[0], entry{}
	q.lines = q.lines[1:]
	return e
}

// canJoin reports whether the next line can be joined to a text.
func (q *Queue) canJoin(size int) bool {
	return q.join && len(q.lines) > 0 && size+len(q.lines[0].Text) <= maxJoined
}

// Flush waits until everything is written, up to a timeout. It reports whether everything is.
func (q *Queue) Flush(timeout time.Duration) bool {
	q.mu.Lock()
	idle := q.idle
	q.mu.Unlock()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}
