package web

import (
	"sync"

	"upppoe/internal/mgmt/servercontrol"
	"upppoe/pppoe"
)

// maxQueued is how many events wait for a reader; more are dropped and counted. maxPast is how many are kept for those
// who come later: as many as the page shows.
const (
	maxQueued = 256
	maxPast   = 200
)

// hub passes events to those who watch, and keeps the last ones.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]bool
	past     ring[*servercontrol.Event]
}

// watcher is one who watches. It has its lines until it takes them.
type watcher struct {
	ready chan struct{} // of capacity 1: there are lines

	mu     sync.Mutex
	lines  [][]byte
	missed int
}

// watch adds a watcher, and returns the last events until then, the oldest first. Unwatch removes it.
func (h *hub) watch() (w *watcher, past []*servercontrol.Event, unwatch func()) {
	w = &watcher{ready: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.watchers == nil {
		h.watchers = make(map[*watcher]bool)
	}
	h.watchers[w] = true
	past = make([]*servercontrol.Event, len(h.past.all))
	for i := range past {
		past[i] = *h.past.at(i)
	}
	return w, past, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
	}
}

// publish passes an event on, and keeps it. It does not block. Unless somebody watches, no JSON is made.
func (h *hub) publish(l pppoe.SessionInfo, event pppoe.Event) {
	e := servercontrol.NewEvent(l, event)
	if e == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.past.max = maxPast
	h.past.add(e)
	if len(h.watchers) == 0 {
		return
	}
	line := e.JSON()
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
