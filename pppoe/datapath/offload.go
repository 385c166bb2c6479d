package datapath

import (
	"errors"
	"sync"
	"time"
)

// An Accelerator moves packets of open sessions where the Path need not: in the kernel
// (package internal/fastpath), or nowhere, in a test. It may leave any packet to the Path,
// which holds every session as well, and so can always do without.
//
// Methods may be called concurrently.
type Offload interface {
	// Add takes up a tunnel, over which nothing flows until Allow says so. Its
	// device stays the caller's. After an error the session is the Path's alone.
	Add(Session) error
	// SetFamilies says which families may flow: those whose control protocol is open. Of a
	// session that it does not have it is not told anything, and the like below.
	SetFamilies(sessionID uint16, ipv4, ipv6 bool)
	// SetSourceFilter says where packets from the peer may come from: see Path.SetSourceFilter. What it cannot
	// check it leaves to the Path, and says so in its error.
	SetSourceFilter(sessionID uint16, from *SourceFilter) error
	// Counters are those of a tunnel since Add, of what has not come by the Path.
	Counters(sessionID uint16) Counters
	// Remove forgets a tunnel, whose device is closed only afterwards.
	Remove(sessionID uint16) Counters
	// Describe tells, for a log, how packets are moved and why not in a faster way.
	Describe() string
}

// offloadedPath is a Path with an Accelerator beside it. What either has moved counts.
//
// An Accelerator may take its time to take a tunnel up (the kernel waits until all its
// processors have seen a new program, and nobody can set addresses meanwhile). So it is
// asked when the first packets may flow, of one session after the other, with time for
// others in between; and nobody waits for it: the Path carries a session until then.
type offloadedPath struct {
	Path
	offload Offload
	// report is told of a session whether the Accelerator takes it (nil), or why not, or
	// why not all of it.
	report func(sessionID uint16, why error)

	mu         sync.Mutex
	entries    map[uint16]*offloadEntry
	queue      []*offloadEntry // those that it has yet to be asked of, in order
	installing bool            // somebody asks
}

// offloadEntry is what an Accelerator has of a session. It is guarded by the lock of its
// accelerated.
type offloadEntry struct {
	session      Session
	ipv4, ipv6   bool
	sourceFilter *SourceFilter
	reported     string // what the Accelerator leaves to the Path
	rateLimited  bool
	skipped      bool          // to the Path, since it was limited when its turn came
	queued       bool          // for its turn, or has had it
	started      bool          // its turn has come
	installed    bool          // it has been taken up
	done         chan struct{} // closed when that is decided
}

// What a session's own Terms keep from an Accelerator.
var (
	// ErrRateLimited is why a session is not given to one: that would not heed a Rate.
	ErrRateLimited = errors.New("the session's rate is limited, which is done there")
	// ErrSourceFiltered is why one leaves packets from the peer to the Path (wrapped, with which).
	ErrSourceFiltered = errors.New("whose source is checked there")
)

// NewOffloaded puts an Accelerator, if there is one, beside a path.
func NewOffloaded(p Path, fast Offload, decided func(sessionID uint16, why error)) Path {
	if fast == nil {
		return p
	}
	return &offloadedPath{Path: p, offload: fast, report: decided, entries: make(map[uint16]*offloadEntry)}
}

// Add takes up a tunnel on both: what one does not take, the other does.
func (a *offloadedPath) Add(t Session) error {
	if err := a.Path.Add(t); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries[t.SessionID] = &offloadEntry{session: t, done: make(chan struct{})}
	return nil
}

// An Accelerator may keep others from setting addresses while it takes a session up, which
// come first.
const (
	// settleTime is how long both families of a session that is new have for theirs.
	settleTime = 200 * time.Millisecond
	// idleFactor is how many times as long as the Accelerator took for a session others have before
	// the next, when a thousand dial at once.
	idleFactor = 4
)

// installPending asks of those that wait, in turn, until nobody does.
func (a *offloadedPath) installPending() {
	time.Sleep(settleTime)
	for b, limited := a.next(); b != nil; b, limited = a.next() {
		began := time.Now()
		a.install(b, limited)
		time.Sleep(idleFactor * time.Since(began))
	}
}

// next is whose turn it is; nil: nobody's.
func (a *offloadedPath) next() (b *offloadEntry, limited bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.queue) > 0 {
		b, a.queue = a.queue[0], a.queue[1:]
		if a.entries[b.session.SessionID] == b { // else it is removed
			b.started, b.skipped = !b.rateLimited, b.rateLimited
			return b, b.rateLimited
		}
	}
	a.installing, a.queue = false, nil
	return nil, false
}

// install has the Accelerator take a tunnel up.
func (a *offloadedPath) install(b *offloadEntry, limited bool) {
	if limited {
		a.report(b.session.SessionID, ErrRateLimited)
		return
	}
	defer close(b.done)
	err := a.offload.Add(b.session)
	a.report(b.session.SessionID, err)
	if err == nil {
		a.activate(b)
	}
}

// activate tells the Accelerator what it has missed.
func (a *offloadedPath) activate(b *offloadEntry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	b.installed = true
	if b.sourceFilter != nil {
		a.applySourceFilter(b)
	}
	if b.ipv4 || b.ipv6 {
		a.applyFamilies(b)
	}
}

// applyFamilies says which families may flow through the Accelerator: none, of a session with a Rate,
// whose packets are left to the Path. The lock is held.
func (a *offloadedPath) applyFamilies(b *offloadEntry) {
	a.offload.SetFamilies(b.session.SessionID, b.ipv4 && !b.rateLimited, b.ipv6 && !b.rateLimited)
}

// applySourceFilter tells the Accelerator where packets may come from, and whoever wants to know what it
// leaves to the Path, if that is news. The lock is held.
func (a *offloadedPath) applySourceFilter(b *offloadEntry) {
	id := b.session.SessionID
	if err := a.offload.SetSourceFilter(id, b.sourceFilter); err != nil && err.Error() != b.reported {
		b.reported = err.Error()
		// Ends when that is told: whoever is told may be the caller.
		go a.report(id, err)
	}
}

// SetFamilies tells both. A family that closes is closed first where packets are fastest.
func (a *offloadedPath) SetFamilies(id uint16, ipv4, ipv6 bool) {
	a.mu.Lock()
	if b := a.entries[id]; b != nil {
		b.ipv4, b.ipv6 = ipv4, ipv6
		switch {
		case b.installed:
			a.applyFamilies(b)
		case !b.queued && (ipv4 || ipv6):
			b.queued = true
			a.enqueue(b)
		}
	}
	a.mu.Unlock()
	a.Path.SetFamilies(id, ipv4, ipv6)
}

// enqueue has a session's turn come. The lock is held.
func (a *offloadedPath) enqueue(b *offloadEntry) {
	a.queue = append(a.queue, b)
	if !a.installing {
		a.installing = true
		// Ends when nobody waits any more.
		go a.installPending()
	}
}

// SetSourceFilter tells both, the Path first: packets may be left to it.
func (a *offloadedPath) SetSourceFilter(id uint16, from *SourceFilter) {
	a.Path.SetSourceFilter(id, from)
	a.mu.Lock()
	defer a.mu.Unlock()
	if b := a.entries[id]; b != nil {
		if b.sourceFilter = from; b.installed {
			a.applySourceFilter(b)
		}
	}
}

// SetRates bounds what a tunnel carries, which then is the Path's alone. Without a bound the
// Accelerator has it again, or is asked for the first time.
func (a *offloadedPath) SetRates(id uint16, up, down Rate) {
	a.Path.SetRates(id, up, down)
	a.mu.Lock()
	defer a.mu.Unlock()
	b, limited := a.entries[id], up.Bits > 0 || down.Bits > 0
	if b == nil || b.rateLimited == limited {
		return
	}
	b.rateLimited = limited
	switch {
	case b.installed:
		a.applyFamilies(b)
		// Ends when that is told: the caller may be who is told.
		go a.report(id, b.reason())
	case b.skipped:
		b.skipped, b.queued = false, false
	}
}

// reason is what keeps a session that the Accelerator has from being moved by it.
func (b *offloadEntry) reason() error {
	if b.rateLimited {
		return ErrRateLimited
	}
	return nil
}

// Remove forgets a tunnel on both.
func (a *offloadedPath) Remove(id uint16) Counters {
	a.mu.Lock()
	b := a.entries[id]
	delete(a.entries, id)
	if b != nil {
		b.ipv4, b.ipv6 = false, false
	}
	asked := b != nil && b.started
	a.mu.Unlock()
	var fast Counters
	if asked {
		<-b.done
		if b.installed {
			fast = a.offload.Remove(id)
		}
	}
	return a.Path.Remove(id).plus(fast)
}

// Counters are those of both.
func (a *offloadedPath) Counters(id uint16) Counters {
	return a.Path.Counters(id).plus(a.offload.Counters(id))
}

func (c Counters) plus(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets + d.SentPackets, SentBytes: c.SentBytes + d.SentBytes,
		ReceivedPackets: c.ReceivedPackets + d.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + d.ReceivedBytes,
		Dropped: c.Dropped + d.Dropped, Spoofed: c.Spoofed + d.Spoofed, Exceeded: c.Exceeded + d.Exceeded,
	}
}
