package pppoe

import (
	"errors"
	"fmt"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// tunnel is a session in its loop, with what binds it to the Ethernet on one side
// and to the host's network on the other.
type tunnel struct {
	SessionInfo
	session   *session.Session
	out       session.Output
	reconcile reconcileState
	want      desired
	had       Addressing     // as last told by Configured
	granted   *SessionPolicy // by the last Decision
	terms     SessionPolicy  // what the session is held to
	limited   bool           // the path has been told of rates
	admitted  string         // the User for whom the network phase last began
	online    time.Time      // since when packets flow; zero: they never did
	limits    allowance
	counted   bool             // what it carries matters to its limits, or to its echo
	heard     uint64           // packets received, when last asked
	waiting   bool             // PPP has yet to begin
	begin     time.Time        // when it does at the latest; zero: not by the clock
	early     [][]byte         // frames that came before that
	kept      [][]byte         // frames with packets, for which the device is not ready yet
	reason    *session.Reason  // why PPP is over; nil: it is not
	failed    bool             // the host's network would not fit, and PPP is about to be over
	hangup    bool             // the peer has sent a PADT, or must not be sent one
	judging   bool             // an Authority is asked
	proving   string           // who that is about, as the peer says
	unasked   ppp.AuthResponse // nil, or what it is to be asked next

	key    discovery.RequestKey // a server's: the PADR that made it
	claims claims               // likewise
	ending wire.Tags            // a client's: see Grant.Ending
}

// begin takes up a session. PPP begins with Up.
func (l *loop) begin(line SessionInfo, cfg *session.Config, limits Limits) *tunnel {
	line.Interface, line.Local = l.iface, l.ports.Session.Addr()
	t := &tunnel{SessionInfo: line, session: session.New(cfg), waiting: true, limits: allowance{Limits: limits}, counted: limits.watched() || cfg.LCP.Echo.Adaptive}
	l.tunnels[t.SessionID] = t
	return t
}

// ErrDeviceLost is told by HostNetworkFailed when the network device of a session has gone,
// though we did not remove it.
var ErrDeviceLost = errors.New("the session's network device is gone: somebody else removed it")

// maxEarly is how many frames wait for PPP to begin: a peer's first request, which
// would otherwise cost its Restart period.
const maxEarly = 4

// up begins PPP.
func (l *loop) up(now time.Time, t *tunnel) {
	if !t.waiting {
		return
	}
	t.waiting, t.begin = false, time.Time{}
	t.session.Up(now, &t.out)
	l.flush(now, t)
	for _, frame := range t.early {
		l.receiveSession(now, frame)
	}
	t.early = nil
}

// upAfter begins PPP after a while, or as soon as the peer does.
func (l *loop) upAfter(now time.Time, t *tunnel, delay time.Duration) {
	if delay <= 0 || len(t.early) > 0 {
		l.up(now, t)
		return
	}
	t.begin = now.Add(delay)
	l.rearm(now, t)
}

// advanceTunnel does what is due for a session.
func (l *loop) advanceTunnel(now time.Time, t *tunnel) {
	if !t.begin.IsZero() && !t.begin.After(now) {
		l.up(now, t)
		return
	}
	var carried datapath.Counters
	if t.counted {
		carried = l.data.Counters(t.SessionID)
		if carried.ReceivedPackets != t.heard {
			t.heard = carried.ReceivedPackets
			t.session.NoteTraffic()
		}
	}
	if reason, over := t.limits.check(now, carried); over && t.reason == nil {
		l.close(now, t, reason)
		return
	}
	t.session.Advance(now, &t.out)
	l.flush(now, t)
}

// rearm has the session looked at when that is next due.
func (l *loop) rearm(now time.Time, t *tunnel) {
	at := ppp.Earliest(t.session.Deadline(), t.begin)
	if t.reason == nil {
		at = ppp.Earliest(at, t.limits.deadline(now))
	}
	l.due.Set(t, at)
}

// close ends a session in good order.
func (l *loop) close(now time.Time, t *tunnel, r session.Reason) {
	t.session.Close(now, r, &t.out)
	l.flush(now, t)
}

// end ends a session at once whose peer may be gone: it is sent a Terminate-Request and a PADT,
// and nobody waits for an answer.
func (l *loop) end(now time.Time, t *tunnel, r session.Reason) {
	l.close(now, t, r)
	if t.reason == nil {
		l.terminate(now, t, r)
	}
}

// hangUp ends a session at once, without a word to the peer.
func (l *loop) hangUp(now time.Time, t *tunnel, r session.Reason) {
	t.hangup = true
	l.terminate(now, t, r)
}

// terminate ends a session at once, with a PADT and no more: no answer of the peer would arrive.
func (l *loop) terminate(now time.Time, t *tunnel, r session.Reason) {
	t.session.Down(now, r, &t.out)
	l.flush(now, t)
}

// lose ends a session whose peer cannot be told so now. It is to be told once frames can go
// out again: else it would have the session until its echoes fail.
func (l *loop) lose(now time.Time, t *tunnel, r session.Reason) {
	if t.reason == nil {
		l.unsent = append(l.unsent, wire.NewPADT(t.Peer, t.Local, t.SessionID, ""))
	}
	l.hangUp(now, t, r)
}

// leave ends a session under an address that the interface has no more. The PADT still comes
// from that address, as the peer accepts no other (RFC 2516 section 6). An interface whose
// address changes is often down meanwhile: so the PADT is sent again later.
func (l *loop) leave(now time.Time, t *tunnel) {
	if t.reason == nil {
		l.unsent = append(l.unsent, wire.NewPADT(t.Peer, t.Local, t.SessionID, ""))
	}
	l.terminate(now, t, session.Reason{Cause: session.HangUp, Text: errReaddressed.Error()})
}

// fail ends the loop and all its sessions, since the ports are lost or of no more use. The
// first reason counts.
func (l *loop) fail(now time.Time, why error) {
	if l.failed != nil {
		return
	}
	l.failed = fmt.Errorf("%s: %w", l.iface, why)
	for _, t := range l.tunnels {
		if errors.Is(why, errReaddressed) {
			l.leave(now, t)
		} else {
			l.lose(now, t, session.Reason{Cause: session.HangUp, Text: "the interface is lost"})
		}
	}
	l.owner.stop(now)
}

// sendUnsent sends the PADTs that an earlier loop of the interface could not send.
func (l *loop) sendUnsent(frames []wire.DiscoveryFrame) {
	var q wire.Queue
	for _, f := range frames {
		q.Add(f)
		l.sendDiscovery(SessionInfo{Interface: l.iface, SessionID: f.SessionID, Local: f.Src, Peer: f.Dst}, &q)
	}
}

// receiveSession takes a session frame that the data path has left over. RFC
// 2516 section 6: session ID and both addresses identify the session.
func (l *loop) receiveSession(now time.Time, frame []byte) {
	if len(frame) < 14 {
		l.drops.count(wire.ErrShort)
		return
	}
	id, packet, err := wire.ParseSession(frame[14:])
	if err != nil {
		l.drops.count(err)
		return
	}
	t := l.tunnels[id]
	if t == nil || t.Peer != wire.Addr(frame[6:12]) || t.reason != nil {
		l.drops.count(discovery.ErrNotOurs)
		if t == nil {
			l.owner.handleUnknown(now, wire.Addr(frame[6:12]), id, frame)
		}
		return
	}
	if t.waiting {
		if len(t.early) < maxEarly {
			t.early = append(t.early, frame)
		}
		if !t.begin.IsZero() {
			l.up(now, t)
		}
		return
	}
	if l.keep(t, packet, frame) {
		return
	}
	if l.trace {
		l.notify(t.SessionInfo, FrameReceived{Frame: packet})
	}
	t.session.Receive(now, packet, &t.out)
	l.flush(now, t)
}

// flush does what a step of a session wants done. Frames go out first, in one
// batch; then the world is told, in the order in which things arose.
func (l *loop) flush(now time.Time, t *tunnel) {
	l.out = l.out[:0]
	for frame := range t.out.Frames.All() {
		l.out = append(l.out, wire.AppendSessionFrame(nil, t.Peer, t.Local, t.SessionID, frame))
	}
	if len(l.out) > 0 {
		l.ports.Session.WriteBatch(l.out) // what is lost is repeated by its protocol
	}
	for frame, event := range t.out.All() {
		switch {
		case event != nil:
			l.handleEvent(now, t, event)
		case l.trace:
			l.notify(t.SessionInfo, FrameSent{Frame: frame})
		}
	}
	t.out.Reset()
	l.rearm(now, t)
}

// emit tells the world of an event, and then the owner, whose answer may be
// further events.
func (l *loop) emit(now time.Time, t *tunnel, event Event) {
	l.notify(t.SessionInfo, event)
	l.owner.handleEvent(now, t, event)
}

// handleEvent does what an event means for the tunnel.
func (l *loop) handleEvent(now time.Time, t *tunnel, event session.Event) {
	l.emit(now, t, event)
	switch e := event.(type) {
	case session.Dropped:
		l.drops.count(e.Err)
	case session.LinkUp:
		t.want.MTU = min(e.MRU, e.PeerMRU)
	case session.IPv4Up:
		if l.owner.claim(now, t, e.Agreement) {
			t.want.IPv4 = e.Agreement
			l.numberPeer(t)
			l.reconcile(t)
		}
	case session.IPv6Up:
		t.want.IPv6 = e.Agreement
		l.reconcile(t)
	case session.NetworkDown:
		l.networkDown(now, t, e.Protocol)
	case session.Closed:
		l.over(t, e.Reason)
	}
}

// networkDown stops a family at once; the host's network follows.
func (l *loop) networkDown(now time.Time, t *tunnel, p ppp.Protocol) {
	l.discard(t)
	flowed, before := false, t.had
	if p == ppp.IPCP {
		flowed = t.had.HasIPv4()
		t.want.IPv4, t.had.IPv4 = ipcp.Agreement{}, ipcp.Agreement{}
	} else {
		flowed = t.had.HasIPv6()
		t.want.IPv6, t.had.IPv6 = ipv6cp.Agreement{}, ipv6cp.Agreement{}
	}
	if flowed {
		l.emit(now, t, NetworkLost{Protocol: p, Previous: before, Counters: l.data.Counters(t.SessionID), Uptime: now.Sub(t.online)})
	}
	l.data.SetFamilies(t.SessionID, t.had.HasIPv4(), t.had.HasIPv6()) // not what the host is yet to be made for
	l.reconcile(t)
}

// over tells the peer that the session is no more, and has its device removed.
func (l *loop) over(t *tunnel, r session.Reason) {
	t.reason = &r
	l.discard(t)
	if !t.hangup {
		var q wire.Queue
		padt := wire.NewPADT(t.Peer, t.Local, t.SessionID, "")
		padt.Tags = t.ending
		q.Add(padt)
		l.sendDiscovery(t.SessionInfo, &q)
	}
	t.want.device = false
	l.reconcile(t)
}

// reconcile has the host's network made as the tunnel wants it.
func (l *loop) reconcile(t *tunnel) {
	t.want.line = t.SessionInfo
	l.reconciler.want(t, t.want)
}

// reconciled heeds what has become of the host's network.
func (l *loop) reconciled(now time.Time, t *tunnel, f actual) {
	if f.gone {
		l.forget(now, t, f)
		return
	}
	l.owner.unclaim(t, f.have)
	if t.reason != nil || t.failed {
		return
	}
	if f.err != nil {
		t.failed = true
		l.emit(now, t, HostNetworkFailed{Err: f.err})
		l.close(now, t, session.Reason{Cause: session.NetworkConfigFailed, Text: "no network device"})
		return
	}
	if t.Device == "" {
		t.Device = f.device
		l.emit(now, t, DeviceOpened{Name: f.device})
	}
	if f.have == t.want.Addressing && (f.have.HasIPv4() || f.have.HasIPv6()) {
		l.data.SetMSS(t.SessionID, datapath.NewMSSLimit(f.have.MTU, l.mss))
		l.hold(t, f.have)
		l.data.SetFamilies(t.SessionID, f.have.HasIPv4(), f.have.HasIPv6())
		if t.online.IsZero() {
			t.online = now
		}
		t.limits.start(now)
		l.rearm(now, t)
		before := t.had
		t.had = f.have
		l.emit(now, t, Configured{Addressing: f.have, Previous: before})
		l.release(t)
	}
}

// hold holds a session to its terms, before packets flow: to all of them, and to nothing that
// held before.
func (l *loop) hold(t *tunnel, a Addressing) {
	if t.terms.CheckSource {
		l.sources.check(t.SessionID, a, t.terms.FramedRoutes)
	} else {
		l.sources.release(t.SessionID)
	}
	limited := t.terms.Up.Bits > 0 || t.terms.Down.Bits > 0
	if limited || t.limited {
		l.data.SetRates(t.SessionID, t.terms.Up, t.terms.Down)
	}
	t.limited = limited
}

// deviceLost ends a session whose device somebody else has removed.
func (l *loop) deviceLost(now time.Time, id uint16) {
	t := l.tunnels[id]
	if t == nil || t.reason != nil {
		return
	}
	l.emit(now, t, HostNetworkFailed{Err: ErrDeviceLost})
	l.close(now, t, session.Reason{Cause: session.NetworkConfigFailed, Text: "no network device"})
}

// accelerated reports whether the Accelerator takes a session (nil), or why not.
func (l *loop) accelerated(now time.Time, id uint16, why error) {
	switch t := l.tunnels[id]; {
	case t == nil:
	case why != nil:
		l.emit(now, t, NotOffloaded{Err: why})
	default:
		l.emit(now, t, Offloaded{Description: l.ports.Offload.Describe()})
	}
}

// forget forgets a tunnel whose session is over and whose device is gone.
func (l *loop) forget(now time.Time, t *tunnel, f actual) {
	l.due.Set(t, time.Time{})
	delete(l.tunnels, t.SessionID)
	l.sources.forget(t.SessionID)
	event := Ended{Reason: *t.reason, Counters: f.counters, SentPADT: !t.hangup}
	if !t.online.IsZero() {
		event.Uptime = now.Sub(t.online)
	}
	l.emit(now, t, event)
}
