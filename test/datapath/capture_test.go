package datapath

import (
	"testing"

	"upppoe/test/lab"
	"upppoe/test/packets"
)

// capture captures all frames on the segment.
type capture struct{ packets.Capture }

// capture starts a capture.
func (e *ends) capture(t *testing.T) *capture {
	t.Helper()
	return startCapture(t, e.wire, e.checksumsFilled)
}

// startCapture starts a capture at the first station of a segment. Filled: a partial checksum is an
// error.
func startCapture(t *testing.T, wire *lab.Namespace, filled bool) *capture {
	t.Helper()
	w := &capture{packets.Capture{ChecksumsFilled: filled}}
	must(t, wire.Do(func() error { return w.Start("0") }))
	return w
}

// check stops the capture, and reports errors; there must be a minimum number of frames.
func (w *capture) check(t *testing.T, least int) {
	t.Helper()
	must(t, w.Stop())
	for _, f := range w.Errors {
		t.Error(f)
	}
	if w.Frames < least {
		t.Errorf("%d frames were captured, want %d at least", w.Frames, least)
	}
}
