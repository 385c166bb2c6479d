package pppoe

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// dialer is the owner of a client's loop: one dial.
type dialer struct {
	cfg       *ClientConfig
	loop      *loop
	ctx       context.Context // ends with the dial
	finish    context.CancelFunc
	discovery *discovery.Client // nil: done, or given up
	begin     time.Time         // when discovery does; zero: it has
	remark    time.Time         // when a search is told of; zero: it was
	queue     wire.Queue
	refusal   *discovery.Rejection // the last one
	ahead     []ahead
	tunnel    *tunnel
	sessionID atomic.Uint32 // for Counters; 0: none is open
	ac        wire.Addr
	had       Addressing // as last configured
	announced int
	online    bool
	told      *LinkState     // how the link is: the client's
	stale     []StaleSession // that have got a PADT, unless there was no carrier
	byLink    bool           // see pace
	giveUp    time.Time      // when a session without carrier ends; zero: it has one
	hostErr   error
	end       error
}

var _ owner = (*dialer)(nil)

// carrierGrace is how long a cable may be out: a switch that starts anew takes longer,
// and a concentrator keeps a session for longer still.
const carrierGrace = 10 * time.Second

// maxAnnounced bounds how many announcements of one dial are told.
const maxAnnounced = 16

// bury ends the sessions that an earlier run has left, or an earlier dial.
func (d *dialer) bury(stale []StaleSession) {
	d.stale = stale
	for _, s := range stale {
		line := d.line()
		line.SessionID, line.Peer = s.SessionID, s.AC
		if s.Local != (wire.Addr{}) {
			line.Local = s.Local
		}
		d.queue.Add(wire.NewPADT(s.AC, line.Local, s.SessionID, ""))
		d.loop.sendDiscovery(line, &d.queue)
		d.loop.notify(line, StaleTerminated{StaleSession: s})
	}
}

// burial is what a concentrator may need to be rid of a session, before it can be
// asked for another.
const burial = 100 * time.Millisecond

// prepare makes discovery ready.
func (d *dialer) prepare(eager time.Duration, avoid []wire.Addr) {
	cfg := d.cfg.Discovery
	cfg.MaxPayload = min(cfg.MaxPayload, d.loop.maxPayload())
	cfg.FastRetry, cfg.Avoid = eager, avoid
	d.discovery = discovery.NewClient(d.loop.ports.Discovery.Addr(), cfg)
}

// search begins discovery, or begins it anew.
func (d *dialer) search(now time.Time) {
	d.begin, d.remark = time.Time{}, now.Add(searchRemark)
	d.discovery.Start(now, &d.queue)
	d.loop.sendDiscovery(d.line(), &d.queue)
}

func (d *dialer) deadline() time.Time {
	if d.discovery == nil {
		return d.giveUp
	}
	return ppp.Earliest(ppp.Earliest(d.giveUp, d.begin), ppp.Earliest(d.remark, d.discovery.Deadline()))
}

// searchRemark is after how long a user wants to know that nobody has answered yet: the default
// of three attempts, doubled, takes 35 s.
const searchRemark = 10 * time.Second

// remarkSearch says so, once a dial.
func (d *dialer) remarkSearch(now time.Time) {
	if d.discovery == nil || d.remark.IsZero() || d.remark.After(now) {
		return
	}
	d.remark = time.Time{}
	if d.discovery.AwaitsPADO() {
		d.loop.notify(d.line(), Searching{Elapsed: searchRemark, Unmatched: d.discovery.Unmatched()})
	}
}

func (d *dialer) advance(now time.Time) {
	if !d.giveUp.IsZero() && !d.giveUp.After(now) {
		d.giveUp = time.Time{}
		d.loseLink(now)
	}
	switch {
	case d.discovery == nil:
	case d.begin.IsZero():
		d.found(d.discovery.Advance(now, &d.queue))
	case !d.begin.After(now):
		d.search(now)
	}
	d.remarkSearch(now)
}

// idle says that the dial has come to its end.
func (d *dialer) idle() bool { return d.end != nil || d.tunnel == nil }

// stop ends the session in good order.
func (d *dialer) stop(now time.Time) {
	d.discovery = nil
	switch {
	case d.tunnel == nil:
		d.fail(&EndError{Reason: userRequest})
	case d.tunnel.reason == nil:
		d.loop.close(now, d.tunnel, userRequest)
	}
}

// fail ends the dial, for the first reason given.
func (d *dialer) fail(err error) {
	d.discovery = nil
	if d.end == nil {
		d.end = err
	}
	d.finish()
}

func (d *dialer) handleEvent(now time.Time, t *tunnel, event Event) {
	switch e := event.(type) {
	case DeviceOpened:
		d.loop.notify(t.SessionInfo, Connected{})
		d.loop.upAfter(now, t, d.cfg.ConnectDelay)
	case session.AuthRequest:
		d.loop.ask(d.ctx, d.cfg.Authenticator, t, e.Response)
	case session.Authenticated:
		if e.Peer {
			t.User = e.Name
		}
	case Configured:
		d.online, d.had = true, e.Addressing
	case HostNetworkFailed:
		d.hostErr = e.Err
	case Ended:
		d.tunnel = nil
		d.sessionID.Store(0)
		d.fail(&EndError{Reason: e.Reason, Online: d.online, Uptime: e.Uptime, AC: d.ac, Err: d.hostErr})
	}
}

// linkChanged heeds what has become of the Ethernet interface.
func (d *dialer) linkChanged(now time.Time, s LinkState) {
	d.giveUp, *d.told = time.Time{}, s
	d.loop.notify(d.line(), LinkChanged{State: s})
	switch {
	case s >= LinkDown:
		d.byLink = true
		d.loseLink(now)
	case s == LinkNoCarrier:
		d.giveUp = now.Add(carrierGrace)
	case d.tunnel != nil && d.tunnel.reason == nil:
		d.tunnel.session.Probe(now, &d.tunnel.out)
		d.loop.flush(now, d.tunnel)
	case d.discovery != nil && d.begin.IsZero():
		d.bury(d.stale) // what was said into a dead cable is said again
		d.search(now)
	}
}

// loseLink ends what is under way for want of an interface.
func (d *dialer) loseLink(now time.Time) {
	reason := session.Reason{Cause: session.HangUp, Text: fmt.Sprintf("interface %s is %v", d.cfg.Interface, *d.told)}
	switch {
	case d.tunnel == nil:
		d.fail(&EndError{Reason: reason})
	case d.tunnel.reason == nil:
		d.loop.lose(now, d.tunnel, reason)
	}
}

// addressChanged handles the Ethernet address that the interface has now. What is under way
// under another one ends, as no answer to that arrives any more.
func (d *dialer) addressChanged(now time.Time, to wire.Addr) {
	from := d.loop.ports.Discovery.Addr()
	if to == from {
		return
	}
	d.loop.notify(d.line(), AddressChanged{From: from, To: to})
	switch {
	case d.tunnel == nil:
		d.fail(errReaddressed)
	case d.tunnel.reason == nil:
		d.byLink = true
		d.loop.leave(now, d.tunnel)
	}
}

// left are the sessions whose concentrators are to be told with the next dial that they have
// ended.
func (d *dialer) left() (all []StaleSession) {
	for _, f := range d.loop.unsent {
		all = append(all, StaleSession{SessionID: f.SessionID, AC: f.Dst, Local: f.Src})
	}
	return all
}

// handleDiscovery takes a discovery packet: an answer to ours, or the session's end.
func (d *dialer) handleDiscovery(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		d.loop.drops.count(err)
		return
	}
	d.loop.tellDiscovery(d.line(), DiscoveryReceived{Packet: f})
	switch {
	case f.Code == wire.PADT:
		d.receivePADT(now, f)
	case f.Code == wire.PADM, f.Code == wire.PADN:
		d.announce(f)
	case d.discovery != nil && d.begin.IsZero():
		found, err := d.discovery.Receive(now, f, &d.queue)
		d.loop.drops.count(err)
		d.found(found)
	}
}

// receivePADT ends the session, if it is ours and from its concentrator: RFC 2516
// section 5.5, and anybody else's forgery must not.
func (d *dialer) receivePADT(now time.Time, f wire.DiscoveryFrame) {
	t := d.tunnel
	if t == nil || f.SessionID != t.SessionID || f.Src != t.Peer || f.Dst != t.Local || t.reason != nil {
		d.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	d.loop.hangUp(now, t, session.Reason{Cause: session.HangUp, Text: "concentrator sent PADT"})
}

// handleUnknown keeps a concentrator's first requests: they and the PADS come by two ports, and may
// overtake it. Any other session may be that of another client with our address.
func (d *dialer) handleUnknown(_ time.Time, from wire.Addr, id uint16, frame []byte) {
	_, packet, err := wire.ParseSession(frame[14:])
	if err != nil || len(d.ahead) >= maxEarly || d.discovery == nil || !d.discovery.AwaitsPADS(from) {
		return
	}
	if p, _, err := ppp.ParseFrame(packet); err == nil && p == ppp.LCP {
		d.ahead = append(d.ahead, ahead{id, from, frame})
	}
}

// ahead is a session frame that has come before its session.
type ahead struct {
	id    uint16
	from  wire.Addr
	frame []byte
}

// announce tells what the session's concentrator has to say
// (draft-carrel-info-pppoe-ext, sections 3 and 4). Some begin so before LCP is open.
func (d *dialer) announce(f wire.DiscoveryFrame) {
	t := d.tunnel
	if t == nil || f.SessionID != t.SessionID || f.Src != t.Peer || f.Dst != t.Local || d.announced >= maxAnnounced {
		d.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	d.announced++
	d.loop.notify(t.SessionInfo, Announced{Packet: f})
}

// found does what discovery has come to.
func (d *dialer) found(f discovery.Result) {
	d.loop.sendDiscovery(d.line(), &d.queue)
	if f.Rejection != nil {
		d.refusal = f.Rejection
		d.loop.notify(d.line(), Rejected{Rejection: *f.Rejection})
	}
	switch {
	case f.Grant != nil:
		d.take(*f.Grant)
	case d.discovery.Done() && d.end == nil:
		if f.TimedOut != 0 {
			d.loop.notify(d.line(), DiscoveryTimeout{Missing: f.TimedOut, Unmatched: d.discovery.Unmatched()})
		}
		d.fail(d.discoveryError(f.TimedOut))
	}
}

func (d *dialer) discoveryError(missing wire.Code) error {
	switch {
	case d.refusal != nil:
		return fmt.Errorf("%w: %v refused: %v %s", ErrDiscovery, d.refusal.AC, d.refusal.Tag, wire.EscapeText(d.refusal.Text))
	case missing == wire.PADS:
		return fmt.Errorf("%w: no answer to PADR (waited for PADS)", ErrDiscovery)
	}
	return fmt.Errorf("%w: no usable answer to PADI (waited for PADO)", ErrDiscovery)
}

// take makes the session that discovery has found, and first its device: PPP
// waits for that, so that a machine that cannot have one says so at once.
func (d *dialer) take(g discovery.Grant) {
	d.discovery, d.ac = nil, g.AC
	cfg := d.cfg.Session
	cfg.LCP.MaxMRU = d.loop.maxMRU(g.MaxPayload)
	cfg.LCP.Limits.RoundTrip = g.RTT
	identify(&cfg, d.cfg.RemoteIDByAddr, g.AC)
	askAgain(&cfg, d.cfg.Previous)
	d.tunnel = d.loop.begin(SessionInfo{SessionID: g.SessionID, Peer: g.AC, ACName: g.ACName, Service: g.Service}, &cfg, d.cfg.Limits)
	d.tunnel.ending = g.PADTTags
	for _, a := range d.ahead {
		if a.id == g.SessionID && a.from == g.AC {
			d.tunnel.early = append(d.tunnel.early, a.frame)
		}
	}
	d.ahead = nil
	d.sessionID.Store(uint32(g.SessionID))
	d.loop.notify(d.tunnel.SessionInfo, SessionEstablished{Grant: g})
	d.tunnel.want.device = true
	d.loop.reconcile(d.tunnel)
}

// askAgain has a session ask for the addresses that an earlier one had, where nobody
// has said which: a concentrator may give them again, and connections live on.
func askAgain(cfg *session.Config, before Addressing) {
	if cfg.IPv4 != nil && !cfg.IPv4.Local.IsValid() && before.HasIPv4() {
		v4 := *cfg.IPv4
		v4.Local, v4.AcceptLocal = before.IPv4.Local, true
		cfg.IPv4 = &v4
	}
	if cfg.IPv6 != nil && cfg.IPv6.Local == (ipv6cp.ID{}) && before.HasIPv6() {
		v6 := *cfg.IPv6
		v6.Local, v6.AcceptLocal = before.IPv6.Local, true
		cfg.IPv6 = &v6
	}
}

// line is the session, or what is known before there is one.
func (d *dialer) line() SessionInfo {
	if d.tunnel != nil {
		return d.tunnel.SessionInfo
	}
	return SessionInfo{Interface: d.cfg.Interface, Local: d.loop.ports.Discovery.Addr()}
}

// decided completes nothing: a concentrator's address is its own to say.
func (*dialer) decided(*tunnel, *AuthResult) {}

// claim lets the client have what it was given.
func (*dialer) claim(time.Time, *tunnel, ipcp.Agreement) bool { return true }
func (*dialer) unclaim(*tunnel, Addressing)                   {}
