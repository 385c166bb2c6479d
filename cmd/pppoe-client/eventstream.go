package main

import (
	"io"
	"time"

	"upppoe/internal/log/linequeue"
	"upppoe/internal/mgmt/status"
)

// stream writes events to somebody who may be slow to read them, without making anybody
// else wait: who is far behind misses some, and is told how many.
type stream struct{ queue *linequeue.Queue }

func newStream(to io.Writer) *stream {
	return &stream{linequeue.New(func(l linequeue.Line) error {
		_, err := to.Write(l.Text)
		return err
	}, missed)}
}

// missed is the event of those that were dropped.
func missed(n int) linequeue.Line {
	return linequeue.Line{Text: append(object(status.Missed(n)), '\n')}
}

func (s *stream) write(line []byte) { s.queue.Put(linequeue.Line{Text: line}) }

// flushTimeout is how long a reader has to take the last lines.
const flushTimeout = time.Second

// flush waits until all is written so far, unless nobody reads.
func (s *stream) flush() { s.queue.Flush(flushTimeout) }
