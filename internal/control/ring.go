package control

import (
	"bytes"
	"sync"
)

// Ring keeps the end of a log. It is an io.Writer, and may be used concurrently.
type Ring struct {
	mu        sync.Mutex
	lines     [][]byte
	size      int
	followers map[chan []byte]bool
}

// maxLog bounds what is kept, in octets.
const maxLog = 256 << 10

// NewRing makes one that is empty.
func NewRing() *Ring { return &Ring{followers: make(map[chan []byte]bool)} }

// Write takes a line.
func (r *Ring) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := bytes.Clone(line)
	r.lines = append(r.lines, kept)
	for r.size += len(kept); r.size > maxLog && len(r.lines) > 1; r.lines = r.lines[1:] {
		r.size -= len(r.lines[0])
	}
	for c := range r.followers {
		select {
		case c <- kept:
		default: // too slow: it is cut off
			close(c)
			delete(r.followers, c)
		}
	}
	return len(line), nil
}

// Bytes is what is kept.
func (r *Ring) Bytes() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Join(r.lines, nil)
}

// Follow is what is kept, and a channel of what comes after it, until leave is called
// or the follower falls behind.
func (r *Ring) Follow() (past []byte, more <-chan []byte, leave func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := make(chan []byte, backlog)
	r.followers[c] = true
	return bytes.Join(r.lines, nil), c, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.followers[c] {
			delete(r.followers, c)
			close(c)
		}
	}
}
