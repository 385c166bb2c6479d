package datapath

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOffloadLater is wrapped by errors of Offload.Add that pass: the session is added later.
var ErrOffloadLater = errors.New("datapath: no session is added now")

// Offload moves packets of open sessions in place of the Path: in the kernel (package pppoe/linux).
// It may leave any packet to the Path, which has every session too. Its methods may be called
// concurrently.
type Offload interface {
	// Add adds a session. No packet passes until its SetFamilies is called. The caller keeps the
	// device. After an error the Path alone carries the session, for the time being if that wraps
	// ErrOffloadLater.
	Add(SessionConfig) (OffloadSession, error)
	// Describe describes for a log how packets are moved, and why not in a faster way.
	Describe() string
}

// Adopter is an Offload that may still have sessions of an earlier process and carry their packets.
type Adopter interface {
	Offload
	// Adopts reports whether it has a session. Add takes it over, with its families, prefixes, rates and
	// MTU, until they are set, and its token buckets and counters. Its packets pass all the time.
	Adopts(SessionConfig) bool
}

// OffloadSession is a session in an Offload. Its methods may be called concurrently; after Remove
// they have no effect.
type OffloadSession interface {
	// SetFamilies sets which address families may pass: those whose NCP is open.
	SetFamilies(ipv4, ipv6 bool)
	// SetSourceFilter sets the source addresses that are allowed: see Session.SetSourceFilter. After
	// an error the Path carries the session.
	SetSourceFilter(*SourceFilter) error
	// SetRates limits the rates: see Session.SetRates.
	SetRates(up, down Rate)
	// SetPrefixes and SetMTU are those of Session. After an error the Path carries all sessions of
	// the SharedDevice.
	SetPrefixes([]netip.Prefix) error
	SetMTU(octets int)
	// Counters returns the counters since Add, without the packets left to the Path.
	Counters() Counters
	// Remove removes the session. The caller closes the device afterwards.
	Remove() Counters
}

// BucketSharer is an OffloadSession whose token buckets the Path may use, for the packets that are
// left to it. Others leave few packets to the Path, which has buckets of its own for them.
type BucketSharer interface {
	OffloadSession
	// Buckets returns the buckets, once SetRates was called.
	Buckets() SharedBuckets
}

// SharedBuckets are the states of two token buckets, for packets from the peer and to it, which are
// updated by compare-and-swap: the time at which the bucket will be full, in 1/16 ns of a clock.
type SharedBuckets struct {
	Up, Down *atomic.Int64
	// Now returns the time of the clock in nanoseconds. It is as fast as time.Now is.
	Now func() int64
}

// offloadedPath is a Path with an Offload. Their counters are added.
//
// An Offload may need time to add a session: the kernel waits until all processors have seen a new
// program, and blocks changes of addresses meanwhile. So Add of the Offload is called when the
// first packets may pass, for one session after the other, with pauses for others between them.
// Nothing waits for it: the Path carries a session until then. A session of a SharedDevice has no
// program and no addresses of its own, and is added at once, as is one that an Adopter has.
type offloadedPath struct {
	path    Path
	offload Offload
	// report is called with nil when the Offload has added a session, or else with the reason why
	// it does not carry the session.
	report func(s SessionConfig, why error)

	mu         sync.Mutex
	queue      []*offloadedSession // still to be added, in order
	installing bool                // installPending is running
}

// offloadedSession is a session of the Path with a device of its own, and its state in the Offload.
// That is guarded by offloadedPath.mu.
type offloadedSession struct {
	Session
	path         *offloadedPath
	config       SessionConfig
	offloaded    OffloadSession // nil: Offload.Add has not succeeded
	ipv4, ipv6   bool
	sourceFilter *SourceFilter
	up, down     Rate
	queued       bool          // is in the queue, or was
	started      bool          // its turn in the queue has come, and Offload.Add was called
	policed      bool          // the Path has the token buckets of the Offload
	removed      bool          // by Remove
	done         chan struct{} // closed at the end of install
}

// NewOffloaded returns a Path that carries sessions by an Offload where possible, or p if the
// Offload is nil. report is called from several goroutines, with nil when the Offload has added a
// session, or else with the reason why it does not carry the session. It must neither block nor call
// the Path: the caller may hold a lock.
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
	if c.Shared != nil {
		return p.addShared(s, c), nil
	}
	o := &offloadedSession{Session: s, path: p, config: c, done: make(chan struct{})}
	if a, ok := p.offload.(Adopter); ok && a.Adopts(c) {
		o.adopt()
	}
	return o, nil
}

// adopt adds a session that the Offload has.
func (s *offloadedSession) adopt() {
	defer close(s.done)
	s.queued, s.started = true, true
	offloaded, err := s.path.offload.Add(s.config)
	s.path.report(s.config, err)
	if err == nil {
		s.offloaded = offloaded
	}
}

// While an Offload adds a session, the kernel may block changes of addresses, which come first.
const (
	// settleTime is the time that both families of a new session have to set their addresses.
	settleTime = 200 * time.Millisecond
	// retryTime is the time until the next attempt after ErrOffloadLater.
	retryTime = time.Second
	// idleFactor is the pause after a session is added, as a multiple of the time that this took:
	// others must get their turn when a thousand sessions start at once.
	idleFactor = 4
)

// installPending adds the sessions in the queue, in turn, until the queue is empty.
func (p *offloadedPath) installPending() {
	time.Sleep(settleTime)
	for s := p.next(); s != nil; s = p.next() {
		began := time.Now()
		if s.install() {
			time.Sleep(idleFactor * time.Since(began))
		} else {
			time.Sleep(retryTime)
		}
	}
}

// next removes the next session from the queue; nil: it is empty.
func (p *offloadedPath) next() (s *offloadedSession) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 {
		s, p.queue = p.queue[0], p.queue[1:]
		if !s.removed {
			s.started = true
			return s
		}
	}
	p.installing, p.queue = false, nil
	return nil
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

// install adds a session to the Offload, or queues it again for a later attempt and returns false.
func (s *offloadedSession) install() bool {
	offloaded, err := s.path.offload.Add(s.config)
	if errors.Is(err, ErrOffloadLater) && s.path.requeue(s) {
		return false
	}
	defer close(s.done)
	s.path.report(s.config, err)
	if err == nil {
		s.activate(offloaded)
	}
	return true
}

// requeue queues a session again whose turn has come, as the first. It returns false if the session has been
// removed: somebody may wait for the end of install.
func (p *offloadedPath) requeue(s *offloadedSession) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.removed {
		return false
	}
	s.started = false
	p.queue = append([]*offloadedSession{s}, p.queue...)
	return true
}

// activate applies to the Offload what was set before it had the session.
func (s *offloadedSession) activate(offloaded OffloadSession) {
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	s.offloaded = offloaded
	if s.sourceFilter != nil {
		s.applySourceFilter()
	}
	s.setRates()
	if s.ipv4 || s.ipv6 {
		s.offloaded.SetFamilies(s.ipv4, s.ipv6)
	}
}

// setRates sets the rates of the Offload, whose buckets the Path then uses. The lock is held.
func (s *offloadedSession) setRates() {
	s.offloaded.SetRates(s.up, s.down)
	if !s.policed {
		s.policed = true
		shareBuckets(s.Session, s.offloaded)
	}
}

// shareBuckets has a session of the Path use the token buckets of the Offload. It is called once.
func shareBuckets(s Session, of OffloadSession) {
	offloaded, ok := of.(BucketSharer)
	if path, can := s.(interface{ shareBuckets(SharedBuckets) }); ok && can {
		path.shareBuckets(offloaded.Buckets())
	}
}

// applySourceFilter sets the source filter of the Offload, and reports an error. The lock is held.
func (s *offloadedSession) applySourceFilter() {
	if err := s.offloaded.SetSourceFilter(s.sourceFilter); err != nil {
		s.path.report(s.config, err)
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
			s.offloaded.SetFamilies(ipv4, ipv6)
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

// SetRates sets the rates of both, of the Offload first: the buckets of a new rate are full there.
func (s *offloadedSession) SetRates(up, down Rate) {
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	s.up, s.down = up, down
	if s.offloaded != nil && !s.removed {
		s.setRates()
	}
	s.Session.SetRates(up, down)
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
	return s.Session.Remove().Plus(s.offloadCounters())
}

// Leave leaves the device, and takes the session from the queue.
func (s *offloadedSession) Leave() {
	s.path.mu.Lock()
	s.removed = true
	s.path.mu.Unlock()
	s.Session.Leave()
}

// Counters returns the sum of both.
func (s *offloadedSession) Counters() Counters { return s.Session.Counters().Plus(s.offloadCounters()) }

// AddCounters adds to the counters of the Path what those of the Offload do not have.
func (s *offloadedSession) AddCounters(c Counters) {
	s.Session.AddCounters(c.without(s.offloadCounters()))
}

func (s *offloadedSession) offloadCounters() Counters {
	s.path.mu.Lock()
	defer s.path.mu.Unlock()
	if s.offloaded == nil {
		return Counters{}
	}
	return s.offloaded.Counters()
}
