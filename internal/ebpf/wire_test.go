package ebpf

import "upppoe/test/packets"

// watch looks at what comes to a station, where nothing has touched the frames yet. What
// leaves it may be yet to be finished by the interface.
func (e *end) watch() *packets.Wire {
	e.t.Helper()
	w := &packets.Wire{From: addrs[0], Filled: true}
	e.do(func() error { return w.Watch(ethernet) })
	return w
}

// ended ends a watch, and tells what was wrong if that is to be told.
func (e *end) ended(w *packets.Wire, tell bool) {
	e.t.Helper()
	if err := w.End(); err != nil {
		e.t.Fatal(err)
	}
	for _, f := range w.Faults {
		if tell {
			e.t.Error(f)
		}
	}
}
