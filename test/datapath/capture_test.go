package datapath

import (
	"testing"

	"upppoe/test/lab"
	"upppoe/test/packets"
)

// capture looks at all frames that go over the wire.
type capture struct{ packets.Capture }

// capture begins.
func (e *ends) capture(t *testing.T) *capture {
	t.Helper()
	return startCapture(t, e.wire, e.checksumsFilled)
}

// startCapture begins, where the first station of a segment is. Filled: no checksum may be open.
func startCapture(t *testing.T, wire *lab.Namespace, filled bool) *capture {
	t.Helper()
	w := &capture{packets.Capture{ChecksumsFilled: filled}}
	must(t, wire.Do(func() error { return w.Start("0") }))
	return w
}

// check ends the watch, and tells what was wrong; there must have been some frames.
func (w *capture) check(t *testing.T, least int) {
	t.Helper()
	must(t, w.Stop())
	for _, f := range w.Errors {
		t.Error(f)
	}
	if w.Frames < least {
		t.Errorf("%d frames were seen, want %d at least", w.Frames, least)
	}
}
