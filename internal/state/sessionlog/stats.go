package sessionlog

// counts are what a Log has counted since Open.
type counts struct {
	writes, errors, syncs, compactions, superseded, unreadable uint64
}

// Stats describe a Log.
type Stats struct {
	Sessions int   // that have a record in the file
	Bytes    int64 // length of the file
	Garbage  int64 // octets of it that are not valid any more
	Waiting  int   // octets in memory that wait for the disk
	// Writes, Syncs, Compactions and Errors count since Open. An error is tried again.
	Writes, Syncs, Compactions, Errors uint64
	// Superseded counts states of sessions that newer ones replaced before they were written: the disk was
	// slow, or refused.
	Superseded uint64
	// Unreadable counts parts of records that could not be read from the file.
	Unreadable uint64
	// Failing is why nothing can be written now; empty: it can.
	Failing string
}

// Stats returns the counters.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	s := Stats{
		Sessions: len(l.index.sessions), Bytes: l.end, Garbage: l.end - l.start - l.index.live,
		Waiting: len(l.waiting.b) + len(l.writing), Writes: c.writes, Syncs: c.syncs, Compactions: c.compactions,
		Errors: c.errors, Superseded: c.superseded, Unreadable: c.unreadable,
	}
	if l.failing != nil {
		s.Failing = l.failing.Error()
	}
	return s
}
