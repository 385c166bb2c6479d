package ebpf

import "upppoe/test/packets"

// capture looks at what comes to a station, where nothing has touched the frames yet. What
// leaves it may be yet to be finished by the interface.
func (e *station) capture() *packets.Capture {
	e.t.Helper()
	w := &packets.Capture{From: addrs[0], ChecksumsFilled: true}
	e.do(func() error { return w.Start(ethernet) })
	return w
}

// checkCapture ends a watch, and tells what was wrong if that is to be told.
func (e *station) checkCapture(w *packets.Capture, tell bool) {
	e.t.Helper()
	if err := w.Stop(); err != nil {
		e.t.Fatal(err)
	}
	for _, f := range w.Errors {
		if tell {
			e.t.Error(f)
		}
	}
}
