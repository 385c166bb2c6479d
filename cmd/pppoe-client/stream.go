package main

import "io"

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
	// Ends with close.
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

// close waits until all is written.
func (s *stream) close() {
	close(s.lines)
	<-s.done
}
