package pppoe

import (
	"context"
	"errors"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Ports are the two places where a loop meets the Ethernet: discovery and
// session frames have an ethertype, and so a port, each.
type Ports struct {
	Discovery, Session datapath.Port
	// Fanout are further ports of session frames, which are divided between them and
	// Session: those that carry packets of one flow of a session come to one port, in
	// order, and control frames all to one of them.
	Fanout []datapath.Port
	// Offload moves the packets of sessions where it can; nil: there is none.
	Offload datapath.Offload
	// Shared reports whether somebody else on this machine has sessions there, perhaps with our
	// address, whose frames the ports hear as well; nil: nobody has.
	Shared func() bool
}

// Close closes all.
func (p Ports) Close() error {
	err := p.Discovery.Close()
	for _, s := range p.sessions() {
		err = errors.Join(err, s.Close())
	}
	return err
}

// sessions are the ports of session frames.
func (p Ports) sessions() []datapath.Port { return append([]datapath.Port{p.Session}, p.Fanout...) }

// owner is what a loop does its work for: a Client or a Server. All its methods
// are called by the loop's goroutine.
type owner interface {
	// handleDiscovery takes a frame of the discovery port.
	handleDiscovery(now time.Time, frame []byte)
	// handleEvent takes an event of a session, after the world was told of it. Of the
	// session's own events it must not step the session, which is under way.
	handleEvent(now time.Time, t *tunnel, e Event)
	// decided completes an Authority's Decision on a session's peer.
	decided(t *tunnel, d *AuthResult)
	// claim reports whether a session may now have the addresses that IPCP has agreed on. If not,
	// the owner sets them later, or ends the session.
	claim(now time.Time, t *tunnel, a ipcp.Agreement) bool
	// unclaim is told what a session's device has, each time that the host has changed it.
	unclaim(t *tunnel, have Addressing)
	// handleUnknown takes a frame for a session that there is not.
	handleUnknown(now time.Time, from wire.Addr, id uint16, frame []byte)
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
	iface      string
	ports      Ports
	path       datapath.Engine
	data       datapath.Path // path, with an Accelerator beside it if there is one
	reconciler *reconciler
	sources    *sourceFilters
	owner      owner
	notify     func(SessionInfo, Event)
	trace      bool
	mss        int  // see ClientConfig.MSS; set by the owner
	kept       int  // frames of all tunnels that wait for their devices
	bare       bool // see ClientConfig.NoRemoteAddress; set by the owner

	tunnels map[uint16]*tunnel
	due     deadlines.Heap[*tunnel]

	discovery, control *inbox
	calls              chan func(now time.Time)
	lost               chan error
	ended              chan struct{}
	drops              drops

	out [][]byte // scratch: frames on their way to the port

	failed error                 // why the loop can do nothing more; nil: it can
	unsent []wire.DiscoveryFrame // PADTs of sessions that ended while none could be sent, or none would be believed
}

func newLoop(iface string, ports Ports, host HostNetwork, by datapath.Kind, notify func(SessionInfo, Event), trace bool) *loop {
	l := &loop{
		iface: iface, ports: ports, notify: notify, trace: trace,
		tunnels:   make(map[uint16]*tunnel),
		discovery: newInbox(),
		control:   newInbox(),
		calls:     make(chan func(time.Time)),
		lost:      make(chan error, 2+len(ports.Fanout)),
		ended:     make(chan struct{}),
	}
	if l.notify == nil {
		l.notify = func(SessionInfo, Event) {}
	}
	l.path = datapath.New(by, ports.sessions(),
		func(frame []byte) { l.post(l.control, frame) },
		func(id uint16) { l.call(func(now time.Time) { l.deviceLost(now, id) }) })
	l.data = datapath.NewOffloaded(l.path, ports.Offload, func(id uint16, why error) {
		l.call(func(now time.Time) { l.accelerated(now, id, why) })
	})
	l.sources = newSourceFilters(l.data)
	l.reconciler = newReconciler(host, l.data, func(t *tunnel, f actual) {
		l.call(func(now time.Time) { l.reconciled(now, t, f) })
	})
	return l
}

// run works until the context ends and everything that was open is closed, or
// until a port is lost. It closes the ports.
func (l *loop) run(ctx context.Context) error {
	fitting := make(chan struct{})
	// These end with the ports and the fitter's stop, below.
	go func() { l.lost <- l.receiveDiscovery() }()
	for i := range l.ports.sessions() {
		go func() { l.lost <- l.path.Receive(i) }()
	}
	go func() { l.reconciler.run(); close(fitting) }()

	err := l.work(ctx)
	close(l.ended)
	l.reconciler.stop()
	<-fitting
	l.ports.Close()
	return err
}

func (l *loop) work(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil
			l.owner.stop(time.Now())
		case frame := <-l.discovery.frames:
			l.discovery.taken(frame)
			l.owner.handleDiscovery(time.Now(), frame)
		case frame := <-l.control.frames:
			l.control.taken(frame)
			l.receiveSession(time.Now(), frame)
		case call := <-l.calls:
			call(time.Now())
		case <-timer.C:
			l.advance(time.Now())
		case lost := <-l.lost:
			l.fail(time.Now(), lost)
		}
		if (done == nil || l.failed != nil) && len(l.tunnels) == 0 && l.owner.idle() {
			return l.failed
		}
		l.arm(timer)
	}
}

// arm sets the one timer to the first of all deadlines.
func (l *loop) arm(timer *time.Timer) {
	timer.Stop()
	if first := ppp.Earliest(l.due.Next(), l.owner.deadline()); !first.IsZero() {
		timer.Reset(time.Until(first))
	}
}

func (l *loop) advance(now time.Time) {
	for t, ok := l.due.Pop(now); ok; t, ok = l.due.Pop(now) {
		l.advanceTunnel(now, t)
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

// ask has an Authority judge a proof. Sessions bound the number of questions: each has
// at most one under way. What a peer that negotiates anew offers meanwhile waits for it, as
// its answer is none on the new proof; only the last waits.
func (l *loop) ask(ctx context.Context, a Authenticator, t *tunnel, p ppp.AuthResponse) {
	if t.judging {
		t.unasked = p
		return
	}
	t.judging, t.proving = true, p.User()
	line := t.SessionInfo
	// Ends when the Authority answers, or the loop has ended.
	go func() {
		d := a.Authenticate(ctx, line, p)
		l.call(func(now time.Time) { l.decide(ctx, now, a, t, d) })
	}()
}

// decide brings an Authority's answer to the session, unless there is another proof by now.
func (l *loop) decide(ctx context.Context, now time.Time, a Authenticator, t *tunnel, d AuthResult) {
	next := t.unasked
	t.judging, t.unasked = false, nil
	switch {
	case t.reason != nil:
	case next != nil:
		l.ask(ctx, a, t, next)
	default:
		t.granted = d.Policy
		l.owner.decided(t, &d)
		t.session.SetAuthResult(now, d.AuthResult, &t.out)
		l.flush(now, t)
	}
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
		l.tellDiscovery(line, DiscoverySent{Packet: f})
	}
	q.Reset()
}

func (l *loop) tellDiscovery(line SessionInfo, e Event) {
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
