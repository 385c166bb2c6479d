package datapath

import (
	"errors"
	"sync"
	"time"
)

// Offload moves packets of open sessions in place of the Path: in the kernel (package pppoe/linux).
// It may leave any packet to the Path, which has every session too. Its methods may be called
// concurrently.
type Offload interface {
	// Add adds a session. No packet passes until its SetFamilies is called. The caller keeps the
	// device. After an error the Path alone carries the session.
	Add(SessionConfig) (OffloadSession, error)
	// Describe describes for a log how packets are moved, and why not in a faster way.
	Describe() string
}

// OffloadSession is a session in an Offload. Its methods may be called concurrently; after Remove
// they have no effect.
type OffloadSession interface {
	// SetFamilies sets which address families may pass: those whose NCP is open.
	SetFamilies(ipv4, ipv6 bool)
	// SetSourceFilter sets the source addresses that are allowed: see Session.SetSourceFilter.
	// Packets that the Offload cannot check are left to the Path; the error then names them.
	SetSourceFilter(*SourceFilter) error
	// Counters returns the counters since Add, without the packets left to the Path.
	Counters() Counters
	// Remove removes the session. The caller closes the device afterwards.
	Remove() Counters
}

// offloadedPath is a Path with an Offload. Their counters are added.
//
// An Offload may need time to add a session: the kernel waits until all processors have seen a new
// program, and blocks changes of addresses meanwhile. So Add of the Offload is called when the
// first packets may pass, for one session after the other, with pauses for others between them.
// Nothing waits for it: the Path carries a session until then.
type offloadedPath struct {
	path    Path
	offload Offload
	// report is called with nil when the Offload has added a session, or else with the reason why
	// it does not carry the session or some of its packets.
	report func(s SessionConfig, why error)

	mu         sync.Mutex
	queue      []*offloadedSession // still to be added, in order
	installing bool                // installPending is running
}

// offloadedSession is a session of the Path and its state in the Offload. That is guarded by
// offloadedPath.mu.
type offloadedSession struct {
	Session
	path         *offloadedPath
	config       SessionConfig
	offloaded    OffloadSession // nil: Offload.Add has not succeeded
	ipv4, ipv6   bool
	sourceFilter *SourceFilter
	reported     string // the reason that was reported last for packets left to the Path
	rateLimited  bool
	skipped      bool          // not added, because it had a rate when its turn came
	queued       bool          // is in the queue, or was
	started      bool          // its turn in the queue has come, and Offload.Add was called
	removed      bool          // by Remove
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
func NewOffloaded(p Path, offload Offload, report func(s SessionConfig, why error)) Path {
	if offload == nil {
		return p
	}
	return &offloadedPath{path: p, offload: offload, report: report}
}

// Add adds a session to the Path. The Offload follows with SetFamilies.
func (p *offloadedPath) Add(c SessionConfig) (Session, error) {
	s, err := p.path.Add(c)
	if err != nil {
		return nil, err
	}
	return &offloadedSession{Session: s, path: p, config: c, done: make(chan struct{})}, nil
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
	for s, limited := p.next(); s != nil; s, limited = p.next() {
		began := time.Now()
		s.install(limited)
		time.Sleep(idleFactor * time.Since(began))
	}
}

// next removes the next session from the queue; nil: it is empty.
func (p *offloadedPath) next() (s *offloadedSession, limited bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		s, p.queue = p.queue[0], p.queue[1:]
		if !s.removed {
			s.started, s.skipped = !s.rateLimited, s.rateLimited
			return s, s.rateLimited
		}
	}
	p.installing, p.queue = false, nil
	return nil, false
}

// enqueue adds a session to the queue. The lock is held.
func (p *offloadedPath) enqueue(s *offloadedSession) {
	s.queued = true
	p.queue = append(p.queue, s)
	if !p.installing {
		p.installing = true
		// Ends when the queue is empty.
		go p.installPending()
	}
}

// install adds a session to the Offload.
func (s *offloadedSession) install(limited bool) {
	if limited {
		s.report(ErrRateLimited)
		return
	}
	defer close(s.done)
	offloaded, err := s.path.offload.Add(s.config)
	s.report(err)
	if err == nil {
		s.activate(offloaded)
	}
}

func (s *offloadedSession) report(why error) { s.path.report(s.config, why) }

// activate applies to the Offload what was set before it had the session.
func (s *offloadedSession) activate(offloaded OffloadSession) {
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	s.offloaded = offloaded
	if s.sourceFilter != nil {
		s.applySourceFilter()
	}
	if s.ipv4 || s.ipv6 {
		s.applyFamilies()
	}
}

// applyFamilies sets the families that may pass through the Offload: none for a session with a
// Rate, which is the Path's. The lock is held.
func (s *offloadedSession) applyFamilies() {
	s.offloaded.SetFamilies(s.ipv4 && !s.rateLimited, s.ipv6 && !s.rateLimited)
}

// applySourceFilter sets the source filter of the Offload, and reports the packets that it leaves
// to the Path, if those have changed. The lock is held.
func (s *offloadedSession) applySourceFilter() {
	if err := s.offloaded.SetSourceFilter(s.sourceFilter); err != nil && err.Error() != s.reported {
		s.reported = err.Error()
		// Ends with the report. It may call back, so it must not run under the lock.
		go s.report(err)
	}
}

// SetFamilies sets the families of both. The Offload comes first, so that a family that closes
// stops there first.
func (s *offloadedSession) SetFamilies(ipv4, ipv6 bool) {
	s.path.mu.Lock()
	if !s.removed {
		s.ipv4, s.ipv6 = ipv4, ipv6
		switch {
		case s.offloaded != nil:
			s.applyFamilies()
		case !s.queued && (ipv4 || ipv6):
			s.path.enqueue(s)
		}
	}
	s.path.mu.Unlock()
	s.Session.SetFamilies(ipv4, ipv6)
}

// SetSourceFilter sets the source filter of both, of the Path first: packets may be left to it.
func (s *offloadedSession) SetSourceFilter(from *SourceFilter) {
	s.Session.SetSourceFilter(from)
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	if s.sourceFilter = from; s.offloaded != nil && !s.removed {
		s.applySourceFilter()
	}
}

// SetRates sets the rates. A session with a rate is the Path's alone; without, it returns to the
// Offload, or is added there for the first time.
func (s *offloadedSession) SetRates(up, down Rate) {
	s.Session.SetRates(up, down)
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	limited := up.Bits > 0 || down.Bits > 0
	if s.removed || s.rateLimited == limited {
		return
	}
	s.rateLimited = limited
	switch {
	case s.offloaded != nil:
		s.applyFamilies()
		// Ends with the report. It may call back, so it must not run under the lock.
		go s.report(s.reason())
	case s.skipped:
		s.skipped, s.queued = false, false
	}
}

// reason returns why the Offload does not carry a session that it has; nil: it does.
func (s *offloadedSession) reason() error {
	if s.rateLimited {
		return ErrRateLimited
	}
	return nil
}

// Remove removes the session from both.
func (s *offloadedSession) Remove() Counters {
	s.path.mu.Lock()
	started, again := s.started, s.removed
	s.removed, s.ipv4, s.ipv6 = true, false, false
	s.path.mu.Unlock()
	if started {
		<-s.done
	}
	if s.offloaded != nil && !again {
		s.offloaded.Remove()
	}
	return s.Session.Remove().plus(s.offloadCounters())
}

// Counters returns the sum of both.
func (s *offloadedSession) Counters() Counters { return s.Session.Counters().plus(s.offloadCounters()) }

func (s *offloadedSession) offloadCounters() Counters {
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	if s.offloaded == nil {
		return Counters{}
	}
	return s.offloaded.Counters()
}

func (c Counters) plus(d Counters) Counters {
	return Counters{
		SentPackets: c.SentPackets + d.SentPackets, SentBytes: c.SentBytes + d.SentBytes,
		ReceivedPackets: c.ReceivedPackets + d.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + d.ReceivedBytes,
		Dropped: c.Dropped + d.Dropped, Spoofed: c.Spoofed + d.Spoofed, Exceeded: c.Exceeded + d.Exceeded,
	}
}
