package main

import (
	"io"
	"time"
)

// stream writes lines to somebody who may be slow to read them, without making anybody
// else wait: who is far behind misses some.
type stream struct {
	lines chan []byte
	done  chan struct{}
}

// behind is how many lines may wait.
const behind = 1024

func newStream(to io.Writer) *stream {
	s := &stream{make(chan []byte, behind), make(chan struct{})}
	// Ends with close, or the program if nobody reads.
	go func() {
		defer close(s.done)
		for line := range s.lines {
			to.Write(line) // if nobody reads any more, that is their business
		}
	}()
	return s
}

func (s *stream) write(line []byte) {
	select {
	case s.lines <- line:
	default:
	}
}

// farewell is how long a reader has to take the last lines.
const farewell = time.Second

// close waits until all is written, unless nobody reads.
func (s *stream) close() {
	close(s.lines)
	select {
	case <-s.done:
	case <-time.After(farewell):
	}
}
