package pppoe

import (
	"context"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// owner is what a loop does its work for: a Client or a Server. All its methods
// are called by the loop's goroutine.
type owner interface {
	// handleDiscovery takes a frame of the discovery port.
	handleDiscovery(now time.Time, frame []byte)
	// handleEvent takes an event of a session, after the world was told of it. Of the
	// session's own events it must not step the session, which is under way.
	handleEvent(now time.Time, s *sessionState, e Event)
	// completeAuth completes an Authority's Decision on a session's peer.
	completeAuth(s *sessionState, d *AuthResult)
	// claimAddress reports whether a session may now have the addresses that IPCP has agreed on. If not,
	// the owner sets them later, or ends the session.
	claimAddress(now time.Time, s *sessionState, a ipcp.Agreement) bool
	// releaseAddresses is told what a session's device has, each time that the host has changed it.
	releaseAddresses(s *sessionState, have Addressing)
	// handleUnknownSession takes a frame for a session that there is not.
	handleUnknownSession(now time.Time, from wire.Addr, id uint16, frame []byte)
	// deadline is when advance wants to be called; zero: never.
	deadline() time.Time
	advance(now time.Time)
	// stop is called once when the loop shall end; it closes what is open.
	stop(now time.Time)
	// idle says that nothing is under way that the loop must wait for.
	idle() bool
}

// loop owns sessions: it alone touches them, and does their I/O, timing and
// asking. Data packets do not come here: they are the Path's.
type loop struct {
	iface           string
	ports           Ports
	engine          datapath.Engine
	path            datapath.Path // path, with an Accelerator beside it if there is one
	reconciler      *reconciler
	sourceFilters   *sourceFilters
	owner           owner
	notify          func(SessionInfo, Event)
	trace           bool
	mss             int  // see ClientConfig.MSS; set by the owner
	deviceQueued    int  // frames of all tunnels that wait for their devices
	noRemoteAddress bool // see ClientConfig.NoRemoteAddress; set by the owner

	sessions map[uint16]*sessionState
	timers   deadlines.Heap[*sessionState]

	discovery, control *inbox
	calls              chan func(now time.Time)
	portErrors         chan error
	ended              chan struct{}
	drops              drops

	batch [][]byte // scratch: frames on their way to the port

	err           error                 // why the loop can do nothing more; nil: it can
	deferredPADTs []wire.DiscoveryFrame // PADTs of sessions that ended while none could be sent, or none would be believed
}

func newLoop(iface string, ports Ports, host HostNetwork, by datapath.Kind, notify func(SessionInfo, Event), trace bool) *loop {
	l := &loop{
		iface: iface, ports: ports, notify: notify, trace: trace,
		sessions:   make(map[uint16]*sessionState),
		discovery:  newInbox(),
		control:    newInbox(),
		calls:      make(chan func(time.Time)),
		portErrors: make(chan error, 2+len(ports.Fanout)),
		ended:      make(chan struct{}),
	}
	if l.notify == nil {
		l.notify = func(SessionInfo, Event) {}
	}
	l.engine = datapath.New(by, ports.sessions(),
		func(frame []byte) { l.post(l.control, frame) },
		func(id uint16) { l.call(func(now time.Time) { l.deviceLost(now, id) }) })
	l.path = datapath.NewOffloaded(l.engine, ports.Offload, func(id uint16, why error) {
		l.call(func(now time.Time) { l.offloadChanged(now, id, why) })
	})
	l.sourceFilters = newSourceFilters(l.path)
	l.reconciler = newReconciler(host, l.path, func(s *sessionState, f actual) {
		l.call(func(now time.Time) { l.reconciled(now, s, f) })
	})
	return l
}

// run works until the context ends and everything that was open is closed, or
// until a port is lost. It closes the ports.
func (l *loop) run(ctx context.Context) error {
	fitting := make(chan struct{})
	// These end with the ports and the fitter's stop, below.
	go func() { l.portErrors <- l.receiveDiscovery() }()
	for i := range l.ports.sessions() {
		go func() { l.portErrors <- l.engine.Receive(i) }()
	}
	go func() { l.reconciler.run(); close(fitting) }()

	err := l.eventLoop(ctx)
	close(l.ended)
	l.reconciler.stop()
	<-fitting
	l.ports.Close()
	return err
}

func (l *loop) eventLoop(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil
			l.owner.stop(time.Now())
		case frame := <-l.discovery.frames:
			l.discovery.release(frame)
			l.owner.handleDiscovery(time.Now(), frame)
		case frame := <-l.control.frames:
			l.control.release(frame)
			l.receiveSession(time.Now(), frame)
		case call := <-l.calls:
			call(time.Now())
		case <-timer.C:
			l.advance(time.Now())
		case lost := <-l.portErrors:
			l.fail(time.Now(), lost)
		}
		if (done == nil || l.err != nil) && len(l.sessions) == 0 && l.owner.idle() {
			return l.err
		}
		l.armTimer(timer)
	}
}

// armTimer sets the one timer to the first of all deadlines.
func (l *loop) armTimer(timer *time.Timer) {
	timer.Stop()
	if first := ppp.Earliest(l.timers.Next(), l.owner.deadline()); !first.IsZero() {
		timer.Reset(time.Until(first))
	}
}

func (l *loop) advance(now time.Time) {
	for s, ok := l.timers.Pop(now); ok; s, ok = l.timers.Pop(now) {
		l.advanceSession(now, s)
	}
	if at := l.owner.deadline(); !at.IsZero() && !at.After(now) {
		l.owner.advance(now)
	}
}

// maxPayload is the longest PPP payload that the session's port can carry, in octets,
// without the Protocol field.
func (l *loop) maxPayload() int { return l.ports.Session.MTU() - wire.HeaderLen - 2 }

// maxMRU is the longest that may be agreed on, either way: what the port can carry, and
// no more than plain Ethernet's unless discovery has agreed on it (RFC 4638).
func (l *loop) maxMRU(agreed int) int {
	return min(max(agreed, discovery.EthernetPayload), l.maxPayload())
}

// call has the loop do something, unless it has ended.
func (l *loop) call(f func(now time.Time)) { l.tryCall(f) }

// tryCall is call, and reports whether the loop does it.
func (l *loop) tryCall(f func(now time.Time)) bool {
	select {
	case l.calls <- f:
		return true
	case <-l.ended:
		return false
	}
}

// post gives the loop a copy of a frame, or drops it if the loop is behind.
func (l *loop) post(to *inbox, frame []byte) {
	if !to.put(frame) {
		l.drops.count(ErrQueueFull)
	}
}

// sendDiscovery sends what a discovery engine has queued.
func (l *loop) sendDiscovery(line SessionInfo, q *wire.Queue) {
	for _, f := range q.All() {
		l.ports.Discovery.WriteBatch([][]byte{f.AppendTo(nil)}) // what is lost is repeated
		l.traceDiscovery(line, DiscoverySent{Packet: f})
	}
	q.Reset()
}

func (l *loop) traceDiscovery(line SessionInfo, e Event) {
	if l.trace {
		l.notify(line, e)
	}
}

// receiveDiscovery moves frames from the discovery port to the loop until the
// port is lost or closed.
func (l *loop) receiveDiscovery() error {
	return datapath.ReadFrames(l.ports.Discovery, datapath.BatchSize, func(frames []datapath.Frame) {
		for i := range frames {
			l.post(l.discovery, frames[i].Data)
		}
	})
}
