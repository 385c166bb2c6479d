package main

// recordSyncer writes the session record to the disk, so that it survives a power failure. A record that is
// written and not yet on the disk survives the client, so the next record does not wait for a slow disk:
// a client that is killed meanwhile can still be continued.
type recordSyncer struct {
	wanted chan struct{} // of capacity 1
	done   chan struct{}
}

// newRecordSyncer starts a syncer. sync returns once all that was written before is on the disk; failed is
// called with its error, or nil.
func newRecordSyncer(sync func() error, failed func(error)) *recordSyncer {
	s := &recordSyncer{wanted: make(chan struct{}, 1), done: make(chan struct{})}
	// Ends with close.
	go func() {
		defer close(s.done)
		for range s.wanted {
			failed(sync())
		}
	}()
	return s
}

// request has the file synced soon.
func (s *recordSyncer) request() {
	select {
	case s.wanted <- struct{}{}:
	default: // a sync that has not begun covers this write too
	}
}

// close returns after the last sync.
func (s *recordSyncer) close() {
	close(s.wanted)
	<-s.done
}
