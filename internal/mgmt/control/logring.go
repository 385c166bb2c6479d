package control

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"upppoe/internal/log/linequeue"
)

// LogRing keeps the end of a log. It is an io.Writer, and may be used concurrently.
type LogRing struct {
	mu        sync.Mutex
	lines     [][]byte
	size      int
	followers []*linequeue.Queue
}

// maxLog bounds what is kept, in octets.
const maxLog = 256 << 10

// NewLogRing makes one that is empty.
func NewLogRing() *LogRing { return &LogRing{} }

// Write takes a line. It does not block.
func (r *LogRing) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := bytes.Clone(line)
	r.lines = append(r.lines, kept)
	for r.size += len(kept); r.size > maxLog && len(r.lines) > 1; r.lines = r.lines[1:] {
		r.size -= len(r.lines[0])
	}
	for _, q := range r.followers {
		q.Put(linequeue.Line{Text: kept})
	}
	return len(line), nil
}

// Tail are the last lines of what is kept; below 0: all.
func (r *LogRing) Tail(lines int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last(lines)
}

func (r *LogRing) last(lines int) []byte {
	if lines < 0 || lines > len(r.lines) {
		lines = len(r.lines)
	}
	return bytes.Join(r.lines[len(r.lines)-lines:], nil)
}

// Follow puts into a queue the last lines of what is kept, and what comes after it until leave
// is called.
func (r *LogRing) Follow(q *linequeue.Queue, lines int) (unfollow func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.Put(linequeue.Line{Text: r.last(lines)})
	r.followers = append(r.followers, q)
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.followers = slices.DeleteFunc(r.followers, func(of *linequeue.Queue) bool { return of == q })
	}
}

// Flush waits until those who follow have what there is, but no longer than a second.
func (r *LogRing) Flush() {
	r.mu.Lock()
	followers := slices.Clone(r.followers)
	r.mu.Unlock()
	flush(followers)
}

func flush(queues []*linequeue.Queue) {
	until := time.Now().Add(flushTimeout)
	for _, q := range queues {
		q.Flush(time.Until(until))
	}
}

// droppedLines says in a log that there were lines that nobody has read in time.
func droppedLines(n int) linequeue.Line {
	return linequeue.Line{Text: fmt.Appendf(nil, "%d lines of the log were dropped here: they were not read in time\n", n)}
}
