package ebpf

import "upppoe/test/packets"

// capture captures frames as the station receives them. Checksums must be complete: those of sent
// frames may still be partial.
func (e *station) capture() *packets.Capture {
	e.t.Helper()
	w := &packets.Capture{From: addrs[0], ChecksumsFilled: true}
	e.do(func() error { return w.Start(ethernet) })
	return w
}

// checkCapture stops a capture, and reports its errors if report is set.
func (e *station) checkCapture(w *packets.Capture, report bool) {
	e.t.Helper()
	if err := w.Stop(); err != nil {
		e.t.Fatal(err)
	}
	for _, f := range w.Errors {
		if report {
			e.t.Error(f)
		}
	}
}
