package datapath

import (
	"errors"
	"sync"
	"time"
)

// Offload moves packets of open sessions in place of the Path: in the kernel (package pppoe/linux).
// It may leave any packet to the Path, which has every session too.
//
// Methods may be called concurrently.
type Offload interface {
	// Add adds a session. No packet passes until SetFamilies is called. The caller keeps the
	// device. After an error the Path alone carries the session.
	Add(Session) error
	// SetFamilies sets which address families may pass: those whose NCP is open. Like the following
	// methods, it ignores sessions that Add has not added.
	SetFamilies(sessionID uint16, ipv4, ipv6 bool)
	// SetSourceFilter sets the source addresses that are allowed: see Path.SetSourceFilter. Packets
	// that it cannot check are left to the Path; the error then names them.
	SetSourceFilter(sessionID uint16, from *SourceFilter) error
	// Counters returns the counters of a session since Add, without the packets left to the Path.
	Counters(sessionID uint16) Counters
	// Remove removes a session. The caller closes the device afterwards.
	Remove(sessionID uint16) Counters
	// Describe describes for a log how packets are moved, and why not in a faster way.
	Describe() string
}

// offloadedPath is a Path with an Offload. Their counters are added.
//
// An Offload may need time to add a session: the kernel waits until all processors have seen a new
// program, and blocks changes of addresses meanwhile. So Add of the Offload is called when the
// first packets may pass, for one session after the other, with pauses for others between them.
// Nothing waits for it: the Path carries a session until then.
type offloadedPath struct {
	Path
	offload Offload
	// report is called with nil when the Offload has added a session, or else with the reason why
	// it does not carry the session or some of its packets.
	report func(sessionID uint16, why error)

	mu         sync.Mutex
	entries    map[uint16]*offloadEntry
	queue      []*offloadEntry // sessions still to be added, in order
	installing bool            // installPending is running
}

// offloadEntry is the state of a session in the Offload. It is guarded by offloadedPath.mu.
type offloadEntry struct {
	session      Session
	ipv4, ipv6   bool
	sourceFilter *SourceFilter
	reported     string // the reason that was reported last for packets left to the Path
	rateLimited  bool
	skipped      bool          // not added, because it had a rate when its turn came
	queued       bool          // is in the queue, or was
	started      bool          // its turn in the queue has come, and Offload.Add was called
	installed    bool          // Offload.Add has succeeded
	done         chan struct{} // closed at the end of install
}

// Reasons why user space carries a session, or some of its packets.
var (
	// ErrRateLimited is the reason for a session with a Rate, which an Offload does not enforce.
	ErrRateLimited = errors.New("the session has a rate limit, which is enforced in user space")
	// ErrSourceFiltered is wrapped by the reason for packets from the peer whose source an Offload
	// cannot check; the text names the packets.
	ErrSourceFiltered = errors.New("whose source is checked in user space")
)

// NewOffloaded returns a Path that carries sessions by an Offload where possible, or p if the
// Offload is nil. report is called from several goroutines, with nil when the Offload has added a
// session, or else with the reason why it does not carry the session or some of its packets.
func NewOffloaded(p Path, offload Offload, report func(sessionID uint16, why error)) Path {
	if offload == nil {
		return p
	}
	return &offloadedPath{Path: p, offload: offload, report: report, entries: make(map[uint16]*offloadEntry)}
}

// Add adds a session to the Path. The Offload follows with SetFamilies.
func (p *offloadedPath) Add(t Session) error {
	if err := p.Path.Add(t); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries[t.SessionID] = &offloadEntry{session: t, done: make(chan struct{})}
	return nil
}

// While an Offload adds a session, the kernel may block changes of addresses, which come first.
const (
	// settleTime is the time that both families of a new session have to set their addresses.
	settleTime = 200 * time.Millisecond
	// idleFactor is the pause after a session is added, as a multiple of the time that this took:
	// others must get their turn when a thousand sessions start at once.
	idleFactor = 4
)

// installPending adds the sessions in the queue, in turn, until the queue is empty.
func (p *offloadedPath) installPending() {
	time.Sleep(settleTime)
	for e, limited := p.next(); e != nil; e, limited = p.next() {
		began := time.Now()
		p.install(e, limited)
		time.Sleep(idleFactor * time.Since(began))
	}
}

// next removes the next session from the queue; nil: it is empty.
func (p *offloadedPath) next() (e *offloadEntry, limited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		e, p.queue = p.queue[0], p.queue[1:]
		if p.entries[e.session.SessionID] == e { // else it has been removed
			e.started, e.skipped = !e.rateLimited, e.rateLimited
			return e, e.rateLimited
		}
	}
	p.installing, p.queue = false, nil
	return nil, false
}

// install adds a session to the Offload.
func (p *offloadedPath) install(e *offloadEntry, limited bool) {
	if limited {
		p.report(e.session.SessionID, ErrRateLimited)
		return
	}
	defer close(e.done)
	err := p.offload.Add(e.session)
	p.report(e.session.SessionID, err)
	if err == nil {
		p.activate(e)
	}
}

// activate applies to the Offload what was set before it had the session.
func (p *offloadedPath) activate(e *offloadEntry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e.installed = true
	if e.sourceFilter != nil {
		p.applySourceFilter(e)
	}
	if e.ipv4 || e.ipv6 {
		p.applyFamilies(e)
	}
}

// applyFamilies sets the families that may pass through the Offload: none for a session with a
// Rate, which is the Path's. The lock is held.
func (p *offloadedPath) applyFamilies(e *offloadEntry) {
	p.offload.SetFamilies(e.session.SessionID, e.ipv4 && !e.rateLimited, e.ipv6 && !e.rateLimited)
}

// applySourceFilter sets the source filter of the Offload, and reports the packets that it leaves
// to the Path, if those have changed. The lock is held.
func (p *offloadedPath) applySourceFilter(e *offloadEntry) {
	id := e.session.SessionID
	if err := p.offload.SetSourceFilter(id, e.sourceFilter); err != nil && err.Error() != e.reported {
		e.reported = err.Error()
		// Ends with the report. It may call back, so it must not run under the lock.
		go p.report(id, err)
	}
}

// SetFamilies sets the families of both. The Offload comes first, so that a family that closes
// stops there first.
func (p *offloadedPath) SetFamilies(id uint16, ipv4, ipv6 bool) {
	p.mu.Lock()
	if e := p.entries[id]; e != nil {
		e.ipv4, e.ipv6 = ipv4, ipv6
		switch {
		case e.installed:
			p.applyFamilies(e)
		case !e.queued && (ipv4 || ipv6):
			e.queued = true
			p.enqueue(e)
		}
	}
	p.mu.Unlock()
	p.Path.SetFamilies(id, ipv4, ipv6)
}

// enqueue adds a session to the queue. The lock is held.
func (p *offloadedPath) enqueue(e *offloadEntry) {
	p.queue = append(p.queue, e)
	if !p.installing {
		p.installing = true
		// Ends when the queue is empty.
		go p.installPending()
	}
}

// SetSourceFilter sets the source filter of both, of the Path first: packets may be left to it.
func (p *offloadedPath) SetSourceFilter(id uint16, from *SourceFilter) {
	p.Path.SetSourceFilter(id, from)
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[id]; e != nil {
		if e.sourceFilter = from; e.installed {
			p.applySourceFilter(e)
		}
	}
}

// SetRates sets the rates. A session with a rate is the Path's alone; without, it returns to the
// Offload, or is added there for the first time.
func (p *offloadedPath) SetRates(id uint16, up, down Rate) {
	p.Path.SetRates(id, up, down)
	p.mu.Lock()
	defer p.mu.Unlock()
	e, limited := p.entries[id], up.Bits > 0 || down.Bits > 0
	if e == nil || e.rateLimited == limited {
		return
	}
	e.rateLimited = limited
	switch {
	case e.installed:
		p.applyFamilies(e)
		// Ends with the report. It may call back, so it must not run under the lock.
		go p.report(id, e.reason())
	case e.skipped:
		e.skipped, e.queued = false, false
	}
}

// reason returns why the Offload does not carry a session that it has; nil: it does.
func (e *offloadEntry) reason() error {
	if e.rateLimited {
		return ErrRateLimited
	}
	return nil
}

// Remove removes a session from both.
func (p *offloadedPath) Remove(id uint16) Counters {
	p.mu.Lock()
	e := p.entries[id]
	delete(p.entries, id)
	if e != nil {
		e.ipv4, e.ipv6 = false, false
	}
	started := e != nil && e.started
	p.mu.Unlock()
	var offloaded Counters
	if started {
		<-e.done
		if e.installed {
			offloaded = p.offload.Remove(id)
		}
	}
	return p.Path.Remove(id).plus(offloaded)
}

// Counters returns the sum of both.
func (p *offloadedPath) Counters(id uint16) Counters {
	return p.Path.Counters(id).plus(p.offload.Counters(id))
}

func (c Counters) plus(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets + d.SentPackets, SentBytes: c.SentBytes + d.SentBytes,
		ReceivedPackets: c.ReceivedPackets + d.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + d.ReceivedBytes,
		Dropped: c.Dropped + d.Dropped, Spoofed: c.Spoofed + d.Spoofed, Exceeded: c.Exceeded + d.Exceeded,
	}
}
