package datapath

import (
	"testing"

	"upppoe/test/lab"
	"upppoe/test/packets"
)

// watcher looks at all frames that go over the wire.
type watcher struct{ packets.Wire }

// watch begins.
func (e *ends) watch(t *testing.T) *watcher {
	t.Helper()
	return watch(t, e.wire, e.filled)
}

// watch begins, where the first station of a segment is. Filled: no checksum may be open.
func watch(t *testing.T, wire *lab.Namespace, filled bool) *watcher {
	t.Helper()
	w := &watcher{packets.Wire{Filled: filled}}
	must(t, wire.Do(func() error { return w.Watch("0") }))
	return w
}

// end ends the watch, and tells what was wrong; there must have been some frames.
func (w *watcher) end(t *testing.T, least int) {
	t.Helper()
	must(t, w.End())
	for _, f := range w.Faults {
		t.Error(f)
	}
	if w.Frames < least {
		t.Errorf("%d frames were seen, want %d at least", w.Frames, least)
	}
}
