package pppoe

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/keyed"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// owner is the client's or the server's side of a loop. The loop's goroutine calls all its methods.
type owner interface {
	// handleDiscovery handles a frame of the discovery port, which is valid only until it returns.
	handleDiscovery(now time.Time, frame []byte)
	// handleEvent handles an event of a session after it was reported. If it is a session.Event, it
	// must not call the session, whose step is still in progress.
	handleEvent(now time.Time, s *sessionState, e Event)
	// completeAuth completes the Authenticator's result, before it is applied. The user is the name
	// that the peer gave, which is untrusted.
	completeAuth(s *sessionState, user string, d *AuthResult)
	// claimAddress reports whether a session may use the addresses that IPCP has agreed on. If not,
	// the owner sets them later, or ends the session.
	claimAddress(now time.Time, s *sessionState, a ipcp.Agreement) bool
	// releaseAddresses is called with what a session's device has, each time that the host's
	// network has changed it.
	releaseAddresses(s *sessionState, have Addressing)
	// handleUnknownSession handles a frame for a nonexistent session, which is valid only until it
	// returns.
	handleUnknownSession(now time.Time, k datapath.Key, frame []byte)
	// deadline returns when to call advance; zero: never.
	deadline() time.Time
	advance(now time.Time)
	// stop is called once when the loop ends; it closes all sessions.
	stop(now time.Time)
	// idle reports whether nothing is in progress that the loop must wait for.
	idle() bool
}

// loop owns the sessions of one attachment: only its goroutine touches them, and it does their I/O
// and their timers. Data packets do not enter the loop: the data path carries them.
type loop struct {
	iface           string
	ports           Ports
	engine          datapath.Engine
	path            datapath.Path  // the engine, and the offload if there is one
	generations     *atomic.Uint64 // of the sessions of the owner's loops
	reconciler      *reconciler
	sourceFilters   *sourceFilters
	shared          *SharedNetwork  // nil: each session has a device of its own
	sharedPending   []*sessionState // those whose part of the shared device must change
	dynamicPrefixes *dynamicPrefixes
	offloadReports  *offloadReports
	owner           owner
	afterStep       func(*sessionState)                               // called after each step of a session; may be nil
	afterTurn       func(now time.Time)                               // called after each turn, before its frames are sent; may be nil
	admit           func(now time.Time, frame []byte) (*inbox, error) // returns where a discovery frame is queued; nil: in discovery. Set by the owner
	notify          func(SessionInfo, Event)
	trace           bool
	mss             int                              // see ClientConfig.MSS; set by the owner
	deviceQueues    map[*sessionState][][]byte       // frames with packets received before the device was ready
	deviceQueued    int                              // frames in all device queues
	heldAcks        map[*sessionState]*heldAcks      // of a server with a device per session
	sharedRoutes    map[*sessionState][]netip.Prefix // of a session's prefixes, those that are routed to the shared device apart
	padtTags        wire.Tags                        // client: see discovery.Grant.PADTTags
	isServer        bool                             // set by the owner
	noRemoteAddress bool                             // see ClientConfig.NoRemoteAddress; set by the owner

	// suspend is called once, at the end of a turn, and reports whether the loop goes on; otherwise it ends
	// with its sessions open. Nil: the loop is not to be suspended.
	suspend func(ctx context.Context) bool
	left    bool // suspend has returned false
	held    heldFrames
	// holdsRequests makes PADIs and PADRs wait in held.
	holdsRequests bool

	delayed *atomic.Bool // the ports are not to be read yet; nil: they are from the beginning
	readers sync.WaitGroup
	reading bool // the ports are being read
	adopted adoptedQueue

	sessions keyed.Table[datapath.Key, *sessionState]
	timers   deadlines.Compact[*sessionState] // in moments
	advanced time.Time                        // when the timer last expired

	discovery, control *inbox
	padis              *inbox      // those that the owner's admit chooses: they come after all others
	passed             chan []byte // frames that a predecessor has received
	calls              chan func(now time.Time)
	portErrors         chan error
	ended              chan struct{}
	drops              drops
	sent               *packetCounts // discovery packets

	names    *sessionNames     // of the session that was added last; nil: none
	steps    []step            // of sessions, that have not been flushed
	outputs  []*session.Output // for further steps: see output
	outgoing outgoing          // frames to be sent
	batching bool              // they are left to sendFrames

	err           error                 // why the loop ends; nil: it does not
	deferredPADTs []wire.DiscoveryFrame // of sessions that ended while no PADT could be sent, or the peer would not accept it
}

func newLoop(iface string, ports Ports, network HostNetwork, kind datapath.Kind, notify func(SessionInfo, Event), trace bool, generations *atomic.Uint64) *loop {
	l := &loop{
		iface: iface, ports: ports, notify: notify, trace: trace, generations: generations,
		deviceQueues: make(map[*sessionState][][]byte), heldAcks: make(map[*sessionState]*heldAcks), sharedRoutes: make(map[*sessionState][]netip.Prefix),
		discovery:  newInbox(inboxSize),
		control:    newInbox(inboxSize),
		padis:      newInbox(padiInbox),
		passed:     make(chan []byte, maxPassed),
		calls:      make(chan func(time.Time)),
		portErrors: make(chan error, 2+len(ports.Fanout)),
		ended:      make(chan struct{}),
		adopted:    newAdoptedQueue(),
	}
	if l.notify == nil {
		l.notify = func(SessionInfo, Event) {}
	}
	l.engine = datapath.New(kind, ports.sessions(),
		func(frame []byte) { l.post(l.control, frame) },
		func(c datapath.SessionConfig) { l.call(func(now time.Time) { l.deviceLost(now, c) }) })
	l.offloadReports = newOffloadReports()
	l.path = datapath.NewOffloaded(l.engine, ports.Offload, l.offloadReports.add)
	l.sourceFilters, l.dynamicPrefixes = newSourceFilters(), newDynamicPrefixes()
	l.reconciler = newReconciler(network, l.path, func(s *sessionState, a actual) {
		l.call(func(now time.Time) { l.reconciled(now, s, a) })
	})
	return l
}

// run runs the loop until the context has ended and all sessions are closed, or until a port is
// lost. It closes the ports.
func (l *loop) run(ctx context.Context) error {
	if l.delayed == nil || !l.delayed.Load() {
		l.startReading()
	}
	err := l.eventLoop(ctx)
	close(l.ended)
	if !l.left {
		l.reconciler.wait()
	}
	l.ports.Close()
	if l.left {
		l.readers.Wait()
		l.passRest()
		l.leaveDevices()
	}
	return err
}

// startReading reads the ports, once.
func (l *loop) startReading() {
	if l.reading {
		return
	}
	l.reading = true
	// These goroutines end when the ports are closed, by run.
	l.readers.Go(func() { l.portErrors <- l.receiveDiscovery() })
	for i := range l.ports.sessions() {
		l.readers.Go(func() { l.portErrors <- l.engine.Receive(i) })
	}
}

// stopReading leaves packets from the host in the sessions' devices, for a successor.
func (l *loop) stopReading() {
	for s := range l.sessions.All() {
		if s.path != nil {
			s.path.StopReading()
		}
	}
}

// leaveDevices leaves the sessions' devices to a successor. No packet is in transit any more.
func (l *loop) leaveDevices() {
	for s := range l.sessions.All() {
		if s.path != nil {
			s.path.Leave()
		}
	}
}

func (l *loop) eventLoop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	l.batching = true
	for {
		select {
		case <-done:
			done = nil
			l.owner.stop(time.Now())
		case frame := <-l.discovery.frames:
			l.receivedDiscovery(time.Now(), l.discovery, frame)
		case frame := <-l.padis.frames:
			l.receivedDiscovery(time.Now(), l.padis, frame)
		case frame := <-l.control.frames:
			l.receivedControl(time.Now(), frame)
		case <-l.dynamicPrefixes.wakeup:
			l.applyDynamicPrefixes()
		case frame := <-l.passed:
			l.receivePassed(time.Now(), frame)
		case <-l.adopted.wakeup:
			l.reconcileAdopted()
		case <-l.offloadReports.wakeup:
			l.applyOffloadReports(time.Now())
		case call := <-l.calls:
			call(time.Now())
		case <-timer.C:
			l.advance(time.Now())
		case err := <-l.portErrors:
			l.fail(time.Now(), err)
		}
		l.receiveMore(time.Now())
		l.endTurn(time.Now())
		if l.isLeft(ctx) {
			return nil
		}
		if (done == nil || l.err != nil) && l.sessions.Len() == 0 && l.owner.idle() {
			return l.err
		}
		l.armTimer(timer)
	}
}

// endTurn does what follows from a turn, and sends its frames.
func (l *loop) endTurn(now time.Time) {
	l.applyShared(now)
	if l.afterTurn != nil {
		l.afterTurn(now)
	}
	l.sendFrames()
}

// isLeft suspends the loop if it is to be, and reports whether it ends then.
func (l *loop) isLeft(ctx context.Context) bool {
	suspend := l.suspend
	l.suspend = nil
	l.left = suspend != nil && !suspend(ctx)
	return l.left
}

func (l *loop) receivedDiscovery(now time.Time, from *inbox, frame []byte) {
	if l.holdRequest(from, frame) {
		return
	}
	from.release(frame)
	l.owner.handleDiscovery(now, frame)
	from.recycle(frame)
}

func (l *loop) receivedControl(now time.Time, frame []byte) {
	l.control.release(frame)
	l.receiveSession(now, frame)
	l.control.recycle(frame)
}

// maxBatch is how many frames are handled, and how many of a kind are sent, at once.
const maxBatch = 64

// receiveMore handles calls and frames that wait already, so that what follows from many is sent in
// one batch. Calls come first, as they are the results of earlier frames; then frames that a predecessor has
// received; then those of sessions: a flood of discovery packets must not delay them. PADIs come last.
func (l *loop) receiveMore(now time.Time) {
	for range maxBatch {
		select {
		case call := <-l.calls:
			call(now)
			continue
		default:
		}
		select {
		case frame := <-l.passed:
			l.receivePassed(now, frame)
			continue
		default:
		}
		select {
		case frame := <-l.control.frames:
			l.receivedControl(now, frame)
			continue
		default:
		}
		select {
		case frame := <-l.discovery.frames:
			l.receivedDiscovery(now, l.discovery, frame)
			continue
		default:
		}
		select {
		case frame := <-l.padis.frames:
			l.receivedDiscovery(now, l.padis, frame)
		default:
			return
		}
	}
}

// timerSlack is the least time between two expiries of the loop's timer. The echoes of tens of
// thousands of sessions, each with a deadline of its own, then expire in batches: one system call sends
// those of 65,534 sessions that are due within it, at an interval of 30 s.
const timerSlack = 20 * time.Millisecond

// armTimer sets the loop's timer to the first of all deadlines, or to the end of timerSlack.
func (l *loop) armTimer(timer *time.Timer) {
	timer.Stop()
	first := l.owner.deadline()
	if at, ok := l.timers.Next(); ok {
		first = ppp.Earliest(first, moment(at).time())
	}
	if first.IsZero() {
		return
	}
	if least := l.advanced.Add(timerSlack); first.Before(least) {
		first = least
	}
	timer.Reset(time.Until(first))
}

func (l *loop) advance(now time.Time) {
	l.advanced = now
	due := time.Duration(momentOf(now))
	for s, ok := l.timers.Pop(due); ok; s, ok = l.timers.Pop(due) {
		l.advanceSession(now, s)
	}
	if at := l.owner.deadline(); !at.IsZero() && !at.After(now) {
		l.owner.advance(now)
	}
}

// maxPayload returns the longest PPP payload that the session port can carry in a VLAN, in octets,
// without the Protocol field.
func (l *loop) maxPayload(in vlan.Stack) int { return l.ports.maxPayload(in) }

// maxMRU returns the largest MRU that may be negotiated: what the port can carry, and no more than
// 1492 unless discovery has agreed on more (RFC 4638).
func (l *loop) maxMRU(agreed int, in vlan.Stack) int {
	return min(max(agreed, discovery.EthernetPayload), l.maxPayload(in))
}

// call runs f in the loop's goroutine, unless the loop has ended.
func (l *loop) call(f func(now time.Time)) { l.tryCall(f) }

// tryCall is call, and reports whether f will run.
func (l *loop) tryCall(f func(now time.Time)) bool {
	select {
	case l.calls <- f:
		return true
	case <-l.ended:
		return false
	}
}

// post queues a copy of a frame for the loop, or drops it if the loop is behind.
func (l *loop) post(to *inbox, frame []byte) {
	if !to.put(frame) {
		l.drops.count(ErrQueueFull)
	}
}

// sendDiscovery queues the packets that a discovery engine has queued.
func (l *loop) sendDiscovery(info SessionInfo, q *wire.Queue) {
	for _, f := range q.All() {
		if !l.outgoing.allows(f.Code) {
			l.sendFrames()
		}
		l.outgoing.addDiscovery(f)
		if l.sent != nil {
			l.sent.count(f.Code)
		}
		if l.trace {
			f.Tags = slices.Clone(f.Tags)
			l.notify(info, DiscoverySent{Packet: f})
		}
	}
	q.Reset()
	l.sendFullBatch()
}

func (l *loop) traceReceived(info SessionInfo, f wire.DiscoveryFrame) {
	if l.trace {
		f.Tags = slices.Clone(f.Tags)
		l.notify(info, DiscoveryReceived{Packet: f})
	}
}

// receiveDiscovery queues the frames of the discovery port that are admitted for the loop, until
// the port is lost or closed.
func (l *loop) receiveDiscovery() error {
	return datapath.ReadFrames(l.ports.Discovery, datapath.BatchSize, func(frames []datapath.Frame) {
		now := time.Now()
		for i := range frames {
			to := l.discovery
			if l.admit != nil {
				var err error
				if to, err = l.admit(now, frames[i].Data); err != nil {
					l.drops.count(err)
					continue
				}
			}
			l.post(to, frames[i].Data)
		}
	})
}
