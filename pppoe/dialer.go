package pppoe

import (
	"context"
	"sync/atomic"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// dialer is the owner of a client's loop: one dial.
type dialer struct {
	cfg       *ClientConfig
	loop      *loop
	ctx       context.Context // ends with the dial
	finish    context.CancelFunc
	discovery *discovery.Client // nil: it has ended
	searchAt  time.Time         // when discovery begins; zero: it has begun
	reportAt  time.Time         // when Searching is reported; zero: it was
	queue     wire.Queue
	rejection *discovery.Rejection // the last one
	prePADS   []earlyFrame
	session   *sessionState
	// unconfirmed is the session that was adopted, until the concentrator has answered; nil: none, or it has.
	unconfirmed *AdoptableSession
	// For Client.Counters: whether a session is open, and its path once it has a device.
	isOpen          atomic.Bool
	path            atomic.Pointer[datapath.Session]
	echoes          echoMeter
	ac              wire.Addr
	configured      Addressing // as last configured
	announcements   int
	online          bool
	interfaceState  *InterfaceState // of the client
	stale           []StaleSession  // that were sent a PADT, which is lost without carrier
	interfaceFailed bool            // see backoff
	receivedPADT    bool            // see backoff
	carrierDeadline time.Time       // when a session without carrier ends; zero: the carrier is up
	hostErr         error
	end             error
}

var _ owner = (*dialer)(nil)

// maxAnnounced is how many PADMs and PADNs of one dial are reported.
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
		d.loseInterface(now)
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

// idle reports whether the dial has ended or there is no session.
func (d *dialer) idle() bool { return d.end != nil || d.session == nil }

// stop ends the session with a Terminate-Request.
func (d *dialer) stop(now time.Time) {
	d.discovery = nil
	switch {
	case d.session == nil:
		d.fail(&EndError{Reason: userRequest})
	case d.session.endReason == nil:
		d.loop.closeSession(now, d.session, userRequest)
	}
}

// fail ends the dial. The first error is the dial's.
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
		d.path.Store(&s.path)
		d.loop.notify(s.info(), Connected{})
		d.loop.startPPPAfter(now, s, d.cfg.ConnectDelay)
	case session.AuthRequest:
		d.loop.authenticate(d.ctx, d.cfg.Authenticator, s, e.Response)
	case session.Authenticated:
		if e.Peer {
			s.User = e.Name
		}
	case Configured:
		d.online, d.configured = true, e.Addressing
		d.recordSession(now, s, true)
	case Adopted:
		d.handleAdopted(now, s, e)
	case NetworkLost:
		d.recordSession(now, s, false)
	case HostNetworkFailed:
		d.hostErr = e.Err
	case Ended:
		d.session = nil
		d.isOpen.Store(false)
		d.path.Store(nil)
		d.fail(&EndError{Reason: e.Reason, Online: d.online, Uptime: e.Uptime, AC: d.ac, Err: d.hostErr})
	}
}

// receivePADT ends the session if session ID and both addresses match (RFC 2516 section 5.5);
// others are forged or for another client.
func (d *dialer) receivePADT(now time.Time, f wire.DiscoveryFrame) {
	s := d.session
	if s == nil || f.SessionID != s.SessionID || f.Src != s.Peer || f.Dst != s.Local || s.endReason != nil {
		d.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	d.receivedPADT = true
	d.loop.dropSession(now, s, session.Reason{Cause: session.CauseHangUp, Text: "concentrator sent PADT"})
}

// handleAnnouncement reports a PADM or PADN of the session's concentrator
// (draft-carrel-info-pppoe-ext, sections 3 and 4). Some concentrators send them before LCP is open.
func (d *dialer) handleAnnouncement(f wire.DiscoveryFrame) {
	s := d.session
	if s == nil || f.SessionID != s.SessionID || f.Src != s.Peer || f.Dst != s.Local || d.announcements >= maxAnnounced {
		d.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	d.announcements++
	d.loop.notify(s.info(), Announced{Packet: f})
}

// openSession adds the session that discovery was granted, and opens its device. PPP waits for the
// device, so that a machine without one fails before authentication.
func (d *dialer) openSession(g discovery.Grant) {
	d.discovery, d.ac = nil, g.AC
	cfg := d.cfg.Session
	peer := session.Peer{MaxMRU: d.loop.maxMRU(g.MaxPayload, vlan.Stack{}), RoundTrip: g.RTT, InterfaceID: remoteID(d.cfg.RemoteIDByAddr, g.AC)}
	requestPrevious(&cfg, d.cfg.Previous)
	d.session = d.loop.addSession(SessionInfo{SessionID: g.SessionID, Peer: g.AC, ACName: g.ACName, Service: g.Service}, &cfg, peer, &d.cfg.Limits)
	d.loop.padtTags = g.PADTTags
	for _, a := range d.prePADS {
		if a.SessionID == g.SessionID && a.Peer == g.AC {
			d.session.start.queue = append(d.session.start.queue, a.frame)
		}
	}
	d.prePADS = nil
	d.isOpen.Store(true)
	d.loop.notify(d.session.info(), SessionEstablished{Grant: g})
	d.session.desired.device = true
	d.loop.reconcile(d.session)
}

// requestPrevious makes a session request the addresses of an earlier one, where none are
// configured: if the concentrator assigns them again, connections survive.
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

// info returns the session's info, or what is known before there is a session.
func (d *dialer) info() SessionInfo {
	if d.session != nil {
		return d.session.info()
	}
	return SessionInfo{Interface: d.cfg.Interface, Local: d.loop.ports.Discovery.Addr()}
}

// completeAuth changes nothing: a concentrator chooses its own address.
func (*dialer) completeAuth(*sessionState, string, *AuthResult) {}

// claimAddress accepts every address: the client has one session.
func (*dialer) claimAddress(time.Time, *sessionState, ipcp.Agreement) bool { return true }

func (*dialer) releaseAddresses(*sessionState, Addressing) {}
