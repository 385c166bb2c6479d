package main

import (
	"io"
	"sync"
	"time"
)

// stream writes lines to somebody who may be slow to read them, without making anybody
// else wait: who is far behind misses some.
type stream struct {
	lines   chan []byte // nil: a question whether all before it is written
	written chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	closed bool
}

// behind is how many lines may wait.
const behind = 1024

func newStream(to io.Writer) *stream {
	s := &stream{lines: make(chan []byte, behind), written: make(chan struct{}, 1), done: make(chan struct{})}
	// Ends with close, or the program if nobody reads.
	go func() {
		defer close(s.done)
		for line := range s.lines {
			if line == nil {
				s.written <- struct{}{}
				continue
			}
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

// flush waits until all is written so far, unless nobody reads. It is called once, and may
// be at any time.
func (s *stream) flush() {
	if !s.ask() {
		return
	}
	select {
	case <-s.written:
	case <-time.After(farewell):
	}
}

func (s *stream) ask() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	select {
	case s.lines <- nil:
		return true
	default:
		return false
	}
}

// close waits until all is written, unless nobody reads.
func (s *stream) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	close(s.lines)
	select {
	case <-s.done:
	case <-time.After(farewell):
	}
}
