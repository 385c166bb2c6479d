package accounting

// Stats are the counters of an Accounting.
type Stats struct {
	Sessions int    // that have a start record and no stop record
	Memory   int    // records that wait in memory
	Spooled  int    // records that wait in the spool
	Sending  int    // records that have been sent and not been answered
	Sent     uint64 // records that were answered
	Failed   uint64 // attempts that no server answered
	Away     bool   // no server answers
	// Records dropped: of which kind, as there was no room, the disk failed, or servers answer others only.
	DroppedInterim, DroppedStart, DroppedStop uint64
	SpoolErrors                               uint64
	pending                                   int // records that were neither answered nor dropped
}

// Kept returns how many records were neither answered nor dropped.
func (s Stats) Kept() int { return s.pending }

// idle reports whether there is nothing to send.
func (s Stats) idle() bool { return s.pending == 0 }

// Stats returns the counters.
func (a *Accounting) Stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.stats
	s.Sessions, s.Memory = len(a.accounts), s.Memory+len(a.inbox)
	return s
}

func (a *Accounting) update(change func(*Stats)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.stats)
}

func (s *Stats) dropped(k kind) {
	s.pending--
	switch k {
	case kindInterim:
		s.DroppedInterim++
	case kindStart:
		s.DroppedStart++
	default:
		s.DroppedStop++
	}
}

// room is which part of a queue a kind of record may fill, in percent: a stop record has all that an
// interim record has, and a start record little.
func (k kind) room() int {
	switch k {
	case kindInterim:
		return 50
	case kindStart:
		return 90
	}
	return 100
}

// add adds a record to the inbox.
func (a *Accounting) add(r record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addLocked(r)
}

func (a *Accounting) addLocked(r record) {
	a.stats.pending++
	if len(a.inbox)*100 >= maxInMemory*r.kind.room() {
		a.stats.dropped(r.kind)
		return
	}
	a.inbox = append(a.inbox, r)
	notify(a.wake)
}

// take returns up to n records of the inbox.
func (a *Accounting) take(n int) []record {
	a.mu.Lock()
	defer a.mu.Unlock()
	n = min(n, len(a.inbox))
	taken := a.inbox[:n:n]
	if a.inbox = a.inbox[n:]; len(a.inbox) == 0 {
		a.inbox = nil
	}
	return taken
}
