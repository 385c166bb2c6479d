package web

import (
	"sync"
	"sync/atomic"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/pppoe"
)

// maxQueued is how many events wait for a reader; more are dropped and counted.
const maxQueued = 256

// hub passes events to those who watch.
type hub struct {
	watching atomic.Int32
	mu       sync.Mutex
	watchers map[*watcher]bool
}

// watcher is one who watches. It has its lines until it takes them.
type watcher struct {
	ready chan struct{} // of capacity 1: there are lines

	mu     sync.Mutex
	lines  [][]byte
	missed int
}

// watch adds a watcher. Unwatch removes it.
func (h *hub) watch() (w *watcher, unwatch func()) {
	w = &watcher{ready: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[*watcher]bool)
	}
	h.watchers[w] = true
	h.watching.Add(1)
	return w, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
		h.watching.Add(-1)
	}
}

// publish passes an event on. It does not block, and does nothing if nobody watches.
func (h *hub) publish(l pppoe.SessionInfo, e pppoe.Event) {
	if h.watching.Load() == 0 {
		return
	}
	line := servercontrol.EventLine(l, e)
	if line == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.put(line)
	}
}

func (w *watcher) put(line []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lines) == maxQueued {
		w.missed++
		return
	}
	w.lines = append(w.lines, line)
	select {
	case w.ready <- struct{}{}:
	default: // it has not come yet
	}
}

// take returns the lines that wait, and how many were dropped after them.
func (w *watcher) take() (lines [][]byte, missed int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines, missed = w.lines, w.missed
	w.lines, w.missed = nil, 0
	return lines, missed
}
