package control

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"

	"upppoe/internal/log/linequeue"
)

// LogRing keeps the last lines of a log in memory. It is an io.Writer of whole lines, and may be
// used concurrently.
type LogRing struct {
	mu        sync.Mutex
	text      []byte // the lines, from start on; those before are dropped, and their room is used again
	start     int
	followers []*linequeue.Queue
}

// maxLog limits what is kept, in octets.
const maxLog = 256 << 10

// NewLogRing returns an empty LogRing.
func NewLogRing() *LogRing { return &LogRing{} }

// Write adds a line. It does not block.
func (r *LogRing) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text = append(r.text, line...)
	r.drop()
	for _, q := range r.followers {
		q.Put(linequeue.Line{Text: line})
	}
	return len(line), nil
}

// drop drops lines until what is left is short enough, or one line.
func (r *LogRing) drop() {
	for len(r.text)-r.start > maxLog {
		next := r.start + bytes.IndexByte(r.text[r.start:], '\n') + 1
		if next == r.start || next == len(r.text) {
			break
		}
		r.start = next
	}
	if r.start > maxLog {
		r.text = append(r.text[:0], r.text[r.start:]...)
		r.start = 0
	}
}

// Tail returns the last lines; below 0: all.
func (r *LogRing) Tail(lines int) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last(lines)
}

func (r *LogRing) last(lines int) []byte {
	all := r.text[r.start:]
	if lines < 0 {
		return bytes.Clone(all)
	}
	from := len(all)
	for ; lines > 0 && from > 0; lines-- {
		from = bytes.LastIndexByte(all[:from-1], '\n') + 1
	}
	return bytes.Clone(all[from:])
}

// Follow puts the last lines, and all that follow until unfollow is called, into a queue.
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

// Flush waits until the followers have everything, for a second at most.
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

// droppedLines is the line that a log has where lines were dropped.
func droppedLines(n int) linequeue.Line {
	return linequeue.Line{Text: fmt.Appendf(nil, "%d lines of the log were dropped here: they were not read in time\n", n)}
}
