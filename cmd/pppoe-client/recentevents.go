package main

import (
	"bytes"
	"sync"
)

// recentEvents keeps the last events, each a line of JSON. Its methods may be called concurrently.
type recentEvents struct {
	mu    sync.Mutex
	lines [][]byte
}

// maxRecent is the number of events that are kept.
const maxRecent = 32

func (r *recentEvents) add(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) == maxRecent {
		r.lines = append(r.lines[:0], r.lines[1:]...)
	}
	r.lines = append(r.lines, line)
}

// RecentEvents returns the last events, the newest last.
func (p *program) RecentEvents() []byte {
	p.recent.mu.Lock()
	defer p.recent.mu.Unlock()
	return bytes.Join(p.recent.lines, nil)
}
