package pppoe

import (
	"context"
	"errors"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/ipcp"
	"upppoe/ppp"
)

// Ports are the two places where a loop meets the Ethernet: discovery and
// session frames have an ethertype, and so a port, each.
type Ports struct {
	Discovery, Session Port
	// More are further ports of session frames, which are divided between them and
	// Session: those that carry packets of one flow of a session come to one port, in
	// order, and control frames all to one of them.
	More []Port
	// Accelerator moves the packets of sessions where it can; nil: there is none.
	Accelerator Accelerator
	// Shared says whether somebody else on this machine has sessions there, perhaps with our
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
func (p Ports) sessions() []Port { return append([]Port{p.Session}, p.More...) }

// owner is what a loop does its work for: a Client or a Server. All its methods
// are called by the loop's goroutine.
type owner interface {
	// discover takes a frame of the discovery port.
	discover(now time.Time, frame []byte)
	// heed takes an event of a session, after the world was told of it. Of the
	// session's own events it must not step the session, which is under way.
	heed(now time.Time, t *tunnel, e Event)
	// decided completes an Authority's Decision on a session's peer.
	decided(t *tunnel, d *Decision)
	// claim reports whether a session may now have the addresses that IPCP has agreed on. If not,
	// the owner sets them later, or ends the session.
	claim(now time.Time, t *tunnel, a ipcp.Agreement) bool
	// unclaim is told what a session's device has, each time that the host has changed it.
	unclaim(t *tunnel, have Addressing)
	// stray takes a frame for a session that there is not.
	stray(now time.Time, from Addr, id uint16, frame []byte)
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
	iface   string
	ports   Ports
	path    mover
	data    Path // path, with an Accelerator beside it if there is one
	fit     *fitter
	sources *sources
	owner   owner
	notify  func(Line, Event)
	trace   bool
	mss     int  // see ClientConfig.MSS; set by the owner
	kept    int  // frames of all tunnels that wait for their devices
	bare    bool // see ClientConfig.NoRemoteAddress; set by the owner

	tunnels map[uint16]*tunnel
	due     deadlines.Heap[*tunnel]

	discovery, control *inbox
	calls              chan func(now time.Time)
	lost               chan error
	ended              chan struct{}
	drops              drops

	out [][]byte // scratch: frames on their way to the port

	failed error            // why the loop can do nothing more; nil: it can
	unsent []DiscoveryFrame // PADTs of sessions that ended while none could be sent, or none would be believed
}

func newLoop(iface string, ports Ports, host Host, by DataPath, notify func(Line, Event), trace bool) *loop {
	l := &loop{
		iface: iface, ports: ports, notify: notify, trace: trace,
		tunnels:   make(map[uint16]*tunnel),
		discovery: newInbox(),
		control:   newInbox(),
		calls:     make(chan func(time.Time)),
		lost:      make(chan error, 2+len(ports.More)),
		ended:     make(chan struct{}),
	}
	if l.notify == nil {
		l.notify = func(Line, Event) {}
	}
	l.path = newPath(by, ports.sessions(),
		func(frame []byte) { l.post(l.control, frame) },
		func(id uint16) { l.call(func(now time.Time) { l.deviceLost(now, id) }) })
	l.data = accelerate(l.path, ports.Accelerator, func(id uint16, why error) {
		l.call(func(now time.Time) { l.accelerated(now, id, why) })
	})
	l.sources = newSources(l.data)
	l.fit = newFitter(host, l.data, func(t *tunnel, f fitted) {
		l.call(func(now time.Time) { l.fitted(now, t, f) })
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
		go func() { l.lost <- l.path.receive(i) }()
	}
	go func() { l.fit.run(); close(fitting) }()

	err := l.work(ctx)
	close(l.ended)
	l.fit.stop()
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
			l.owner.discover(time.Now(), frame)
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
func (l *loop) maxPayload() int { return l.ports.Session.MTU() - HeaderLen - 2 }

// maxMRU is the longest that may be agreed on, either way: what the port can carry, and
// no more than plain Ethernet's unless discovery has agreed on it (RFC 4638).
func (l *loop) maxMRU(agreed int) int {
	return min(max(agreed, ethernetPayload), l.maxPayload())
}

// ask has an Authority judge a proof. Sessions bound the number of questions: each has
// at most one under way. What a peer that negotiates anew offers meanwhile waits for it, as
// its answer is none on the new proof; only the last waits.
func (l *loop) ask(ctx context.Context, a Authority, t *tunnel, p ppp.Proof) {
	if t.judging {
		t.unasked = p
		return
	}
	t.judging, t.proving = true, p.User()
	line := t.Line
	// Ends when the Authority answers, or the loop has ended.
	go func() {
		d := a.Judge(ctx, line, p)
		l.call(func(now time.Time) { l.decide(ctx, now, a, t, d) })
	}()
}

// decide brings an Authority's answer to the session, unless there is another proof by now.
func (l *loop) decide(ctx context.Context, now time.Time, a Authority, t *tunnel, d Decision) {
	next := t.unasked
	t.judging, t.unasked = false, nil
	switch {
	case t.reason != nil:
	case next != nil:
		l.ask(ctx, a, t, next)
	default:
		t.granted = d.Terms
		l.owner.decided(t, &d)
		t.session.Decide(now, d.Decision, &t.out)
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
		l.drops.count(ErrBehind)
	}
}

// sendDiscovery sends what a discovery engine has queued.
func (l *loop) sendDiscovery(line Line, q *Queue) {
	for _, f := range q.All() {
		l.ports.Discovery.WriteBatch([][]byte{f.AppendTo(nil)}) // what is lost is repeated
		l.tellDiscovery(line, DiscoverySent{Packet: f})
	}
	q.Reset()
}

func (l *loop) tellDiscovery(line Line, e Event) {
	if l.trace {
		l.notify(line, e)
	}
}

// receiveDiscovery moves frames from the discovery port to the loop until the
// port is lost or closed.
func (l *loop) receiveDiscovery() error {
	return read(l.ports.Discovery, batch, func(frames []Frame) {
		for i := range frames {
			l.post(l.discovery, frames[i].Data)
		}
	})
}
