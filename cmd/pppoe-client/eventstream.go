package main

import (
	"io"
	"time"

	"upppoe/internal/log/linequeue"
	"upppoe/internal/mgmt/status"
)

// stream writes events to a reader that may be slow, without blocking. A reader that is too slow misses
// events and gets their number.
type stream struct{ queue *linequeue.Queue }

func newStream(to io.Writer) *stream {
	return &stream{linequeue.New(func(l linequeue.Line) error {
		_, err := to.Write(l.Text)
		return err
	}, missed)}
}

// missed returns the event that reports dropped ones.
func missed(n int) linequeue.Line {
	return linequeue.Line{Text: append(object(status.Missed(n)), '\n')}
}

func (s *stream) write(line []byte) { s.queue.Put(linequeue.Line{Text: line}) }

// flushTimeout is the time in which a reader must read the last lines.
const flushTimeout = time.Second

// flush waits until all events so far are written, at most flushTimeout.
func (s *stream) flush() { s.queue.Flush(flushTimeout) }
