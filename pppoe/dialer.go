package pppoe

import (
	"context"
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
	cfg             *ClientConfig
	loop            *loop
	ctx             context.Context // ends with the dial
	finish          context.CancelFunc
	discovery       *discovery.Client // nil: done, or given up
	searchAt        time.Time         // when discovery does; zero: it has
	reportAt        time.Time         // when a search is told of; zero: it was
	queue           wire.Queue
	rejection       *discovery.Rejection // the last one
	prePADS         []earlyFrame
	session         *sessionState
	sessionID       atomic.Uint32 // for Counters; 0: none is open
	ac              wire.Addr
	configured      Addressing // as last configured
	announcements   int
	online          bool
	linkState       *LinkState     // how the link is: the client's
	stale           []StaleSession // that have got a PADT, unless there was no carrier
	linkFailed      bool           // see pace
	carrierDeadline time.Time      // when a session without carrier ends; zero: it has one
	hostErr         error
	end             error
}

var _ owner = (*dialer)(nil)

// maxAnnounced bounds how many announcements of one dial are told.
const maxAnnounced = 16

func (d *dialer) deadline() time.Time {
	if d.discovery == nil {
		return d.carrierDeadline
	}
	return ppp.Earliest(ppp.Earliest(d.carrierDeadline, d.searchAt), ppp.Earliest(d.reportAt, d.discovery.Deadline()))
}

func (d *dialer) advance(now time.Time) {
	if !d.carrierDeadline.IsZero() && !d.carrierDeadline.After(now) {
		d.carrierDeadline = time.Time{}
		d.loseLink(now)
	}
	switch {
	case d.discovery == nil:
	case d.searchAt.IsZero():
		d.handleResult(d.discovery.Advance(now, &d.queue))
	case !d.searchAt.After(now):
		d.search(now)
	}
	d.reportSearch(now)
}

// idle says that the dial has come to its end.
func (d *dialer) idle() bool { return d.end != nil || d.session == nil }

// stop ends the session in good order.
func (d *dialer) stop(now time.Time) {
	d.discovery = nil
	switch {
	case d.session == nil:
		d.fail(&EndError{Reason: userRequest})
	case d.session.endReason == nil:
		d.loop.closeSession(now, d.session, userRequest)
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

func (d *dialer) handleEvent(now time.Time, s *sessionState, event Event) {
	switch e := event.(type) {
	case DeviceOpened:
		d.loop.notify(s.SessionInfo, Connected{})
		d.loop.startPPPAfter(now, s, d.cfg.ConnectDelay)
	case session.AuthRequest:
		d.loop.authenticate(d.ctx, d.cfg.Authenticator, s, e.Response)
	case session.Authenticated:
		if e.Peer {
			s.User = e.Name
		}
	case Configured:
		d.online, d.configured = true, e.Addressing
	case HostNetworkFailed:
		d.hostErr = e.Err
	case Ended:
		d.session = nil
		d.sessionID.Store(0)
		d.fail(&EndError{Reason: e.Reason, Online: d.online, Uptime: e.Uptime, AC: d.ac, Err: d.hostErr})
	}
}

// receivePADT ends the session, if it is ours and from its concentrator: RFC 2516
// section 5.5, and anybody else's forgery must not.
func (d *dialer) receivePADT(now time.Time, f wire.DiscoveryFrame) {
	s := d.session
	if s == nil || f.SessionID != s.SessionID || f.Src != s.Peer || f.Dst != s.Local || s.endReason != nil {
		d.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	d.loop.dropSession(now, s, session.Reason{Cause: session.HangUp, Text: "concentrator sent PADT"})
}

// handleAnnouncement tells what the session's concentrator has to say
// (draft-carrel-info-pppoe-ext, sections 3 and 4). Some begin so before LCP is open.
func (d *dialer) handleAnnouncement(f wire.DiscoveryFrame) {
	s := d.session
	if s == nil || f.SessionID != s.SessionID || f.Src != s.Peer || f.Dst != s.Local || d.announcements >= maxAnnounced {
		d.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	d.announcements++
	d.loop.notify(s.SessionInfo, Announced{Packet: f})
}

// openSession makes the session that discovery has found, and first its device: PPP
// waits for that, so that a machine that cannot have one says so at once.
func (d *dialer) openSession(g discovery.Grant) {
	d.discovery, d.ac = nil, g.AC
	cfg := d.cfg.Session
	cfg.LCP.MaxMRU = d.loop.maxMRU(g.MaxPayload)
	cfg.LCP.Limits.RoundTrip = g.RTT
	identify(&cfg, d.cfg.RemoteIDByAddr, g.AC)
	requestPrevious(&cfg, d.cfg.Previous)
	d.session = d.loop.addSession(SessionInfo{SessionID: g.SessionID, Peer: g.AC, ACName: g.ACName, Service: g.Service}, &cfg, d.cfg.Limits)
	d.session.padtTags = g.PADTTags
	for _, a := range d.prePADS {
		if a.id == g.SessionID && a.from == g.AC {
			d.session.startQueue = append(d.session.startQueue, a.frame)
		}
	}
	d.prePADS = nil
	d.sessionID.Store(uint32(g.SessionID))
	d.loop.notify(d.session.SessionInfo, SessionEstablished{Grant: g})
	d.session.desired.device = true
	d.loop.reconcile(d.session)
}

// requestPrevious has a session ask for the addresses that an earlier one had, where nobody
// has said which: a concentrator may give them again, and connections live on.
func requestPrevious(cfg *session.Config, before Addressing) {
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

// info is the session, or what is known before there is one.
func (d *dialer) info() SessionInfo {
	if d.session != nil {
		return d.session.SessionInfo
	}
	return SessionInfo{Interface: d.cfg.Interface, Local: d.loop.ports.Discovery.Addr()}
}

// completeAuth completes nothing: a concentrator's address is its own to say.
func (*dialer) completeAuth(*sessionState, *AuthResult) {}

// claimAddress lets the client have what it was given.
func (*dialer) claimAddress(time.Time, *sessionState, ipcp.Agreement) bool { return true }

func (*dialer) releaseAddresses(*sessionState, Addressing) {}
