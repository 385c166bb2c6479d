package pppoe

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/keyed"
	"upppoe/internal/ratelimit"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// serverLoop is the owner of a server's loop: one Listener.
type serverLoop struct {
	server           *Server
	loop             *loop
	concentrator     *discovery.Concentrator
	queue            wire.Queue
	delayed          discovery.DelayedPADOs
	config           *ServerConfig // as of the last discovery packet
	listener         Listener
	index            uint16 // of the listener
	attachments      *attachments
	recentLines      recentLines // of PADIs
	byRequest        keyed.Table[discovery.RequestKey, requested]
	waiting          map[clientAt]*waitingRequest     // requests that wait for a slot
	awaiting         map[*sessionState]ipcp.Agreement // those whose address another session must lose first
	waitTimers       deadlines.Heap[*waitingRequest]
	ctx              context.Context // ends with the loop; passed to the Authenticator
	stopped          bool
	latePADTs        latePADTs
	padtLimiter      *ratelimit.Limiter // limits PADTs for unknown sessions
	manyPADTs        *ratelimit.Limiter // limits them until manyUnknownUntil
	manyUnknownUntil time.Time
	fullLimiter      *ratelimit.Limiter // limits NoFreeSlots events
	records          recordWriter
	paced            pacedPackets
	finishing        *finishingSetups // nil: sessions may begin
}

var _ owner = (*serverLoop)(nil)

func newServerLoop(s *Server, listener Listener, index uint16, at *attachments) *serverLoop {
	l := &serverLoop{
		server: s, listener: listener, index: index, attachments: at,
		waiting: make(map[clientAt]*waitingRequest), awaiting: make(map[*sessionState]ipcp.Agreement),
		padtLimiter: ratelimit.New(maxUnknownPADTs, time.Second), manyPADTs: ratelimit.New(manyUnknownPADTs, time.Second), fullLimiter: ratelimit.New(maxFullEvents, time.Second),
	}
	l.loop = newLoop(listener.Interface, listener.Ports, s.cfg.Network, s.cfg.DataPath, s.cfg.Notify, s.cfg.Trace, &s.generations)
	l.loop.admit = l.admitFrame
	l.loop.owner, l.loop.mss, l.loop.reconciler.pool, l.loop.shared = l, s.cfg.MSS, &s.reconcilers, s.cfg.Shared
	l.loop.delayed = &s.delayed
	l.loop.isServer, l.loop.noRemoteAddress, l.loop.sent = true, s.cfg.Shared != nil, &s.counts.sent
	if l.records = newRecordWriter(&s.cfg); s.cfg.Store != nil {
		l.loop.afterStep, l.loop.afterTurn = l.noteStep, l.writeRecords
	}
	c := s.cfg.Concentrator
	c.MaxPayloadIn, c.CookieKey = l.loop.maxPayload, cookieKeyOf(c.CookieKey, listener.Interface)
	l.concentrator = discovery.NewConcentrator(listener.Ports.Discovery.Addr(), c)
	return l
}

// cookieKeyOf returns the key of a listener's AC-Cookies, which differs from other listeners': a cookie proves that its
// client receives frames at this one. Of an empty key it is empty.
func cookieKeyOf(key []byte, listener string) []byte {
	if len(key) == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(listener))
	return mac.Sum(nil)
}

func (l *serverLoop) run(ctx context.Context) error {
	var stop context.CancelFunc
	l.ctx, stop = context.WithCancel(context.Background())
	defer stop()
	return l.loop.run(ctx)
}

func (l *serverLoop) deadline() time.Time {
	return ppp.Earliest(l.waitTimers.Next(), l.latePADTs.next, l.delayed.Next(), l.paced.next, l.records.counters.next, l.finishing.deadline())
}

func (l *serverLoop) idle() bool { return true }

func (l *serverLoop) advance(now time.Time) {
	l.expireWaits(now)
	l.repeatLatePADTs(now)
	l.sendDelayedPADOs(now)
	l.sendPaced(now)
	l.sweepCounters(now)
	l.checkFinished(now)
}

func (l *serverLoop) stop(now time.Time) {
	l.stopped = true
	l.delayed = discovery.DelayedPADOs{}
	l.latePADTs.next = time.Time{} // the next loop sends what is left
	l.cancelWaits()
	for s := range l.loop.sessions.All() {
		if s.endReason == nil {
			l.loop.closeSession(now, s, session.Reason{Cause: session.CauseUserRequest, Text: "Server is shutting down"})
		}
	}
}

// handleEvent updates the server's tables after an event of a session.
func (l *serverLoop) handleEvent(now time.Time, s *sessionState, event Event) {
	l.server.counts.count(now, s, event)
	switch e := event.(type) {
	case session.AuthRequest:
		l.loop.authenticate(l.ctx, vrfAuthenticator{l.server.current.Load().Authenticator, l}, s, e.Response)
	case session.Authenticated:
		if e.Peer && s.User != e.Name {
			s.otherUser, s.User = true, e.Name
			l.recordSession(s)
		}
	case session.NetworkPhase:
		l.server.slots.setEstablished(s.Unit)
		l.beginNetworkPhase(now, s)
	case session.NetworkDown:
		if e.Protocol == ppp.IPCP {
			l.cancelAddressWait(s)
		}
	case session.Closed:
		s.ending.Store(true)
		l.server.slots.markEnding(s.Peer)
	case Configured:
		l.rememberAddress(s, e.Addressing)
		l.recordSession(s)
	case Adopted:
		l.rememberAddress(s, s.desired.addressing())
		if s.Device != s.adopted.device || s.record.kind() != wholeRecord {
			l.recordSession(s)
		}
	case NetworkLost, PolicyChanged:
		l.recordSession(s)
	case Ended:
		l.deleteRecord(s)
		l.claimFramedRoutes(now, s, s.policy, &noPolicy)
		l.cancelAddressWait(s)
		s.desired.IPv4 = agreement{}
		l.releaseAddresses(s, Addressing{})
		l.byRequest.Delete(s.requestKey)
		l.attachments.release(s.vlan, s.SessionID)
		l.freeSlot(s.Unit)
	}
}

// handleDiscovery handles a discovery packet.
func (l *serverLoop) handleDiscovery(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryInPlace(frame)
	if err != nil {
		l.loop.drops.count(err)
		return
	}
	l.server.counts.received.count(f.Code)
	info := l.packetInfo(f.VLAN, f.Dst, f.Src)
	l.loop.traceReceived(info, f)
	l.useConfig()
	switch f.Code {
	case wire.PADI:
		if !l.stopped {
			l.loop.drops.count(l.receivePADI(now, f))
		}
	case wire.PADR:
		l.receivePADR(now, f)
	case wire.PADT:
		l.receivePADT(now, f)
	default:
		l.loop.drops.count(discovery.ErrUnexpected)
	}
	l.loop.sendDiscovery(info, &l.queue)
}

// packetInfo describes a packet in events. Only tracing needs the name of its attachment, which may
// have to be made.
func (l *serverLoop) packetInfo(in vlan.Stack, local, peer wire.Addr) SessionInfo {
	info := SessionInfo{Local: local, Peer: peer, vlan: in}
	if l.loop.trace {
		info.Interface = l.attachments.name(in)
	}
	return info
}

// useConfig makes discovery use the server's current configuration.
func (l *serverLoop) useConfig() {
	if c := l.server.current.Load(); c != l.config {
		l.config = c
		l.concentrator.SetServices(c.Concentrator.Services)
	}
}

// receivePADR opens a session, or confirms the one that the same PADR opened before: the PADS was
// lost, and the client repeats the PADR.
func (l *serverLoop) receivePADR(now time.Time, f wire.DiscoveryFrame) {
	r, err := l.concentrator.ReceivePADR(now, f, &l.queue)
	from := limit.Origin{Interface: l.index, VLAN: f.VLAN, Client: f.Src}
	if err == nil {
		err = l.server.access.admitPADR(now, from)
	}
	if err != nil {
		l.loop.drops.count(err)
		return
	}
	key := r.Key()
	if s := l.byRequest.Get(key).sessionState; s != nil {
		if s.endReason == nil {
			l.concentrator.Confirm(r, s.SessionID, &l.queue)
		}
		return
	}
	if err := l.server.refuses(); err != nil {
		l.refuse(now, r, err)
		return
	}
	if !l.stopped {
		slot, err := l.server.slots.take(from, l)
		if err == nil {
			if w := l.waiting[clientOf(r)]; w != nil {
				l.cancelWait(w)
			}
			l.openSession(now, slot, r, key)
			return
		}
		if !l.waitForSlot(now, from, r, key) {
			l.refuse(now, r, err)
		}
		return
	}
	l.refuse(now, r, errStopping)
}

// errStopping is the reason for rejecting requests while the server ends.
var errStopping = errors.New("pppoe: the server is stopping")

// openSession opens the session of a request. The PADS is sent before the first LCP packet.
func (l *serverLoop) openSession(now time.Time, slot int, r discovery.Request, key discovery.RequestKey) {
	cfg := l.server.current.Load()
	l.loop.mss, l.loop.trace = cfg.MSS, cfg.Trace
	id, ok := l.attachments.assign(r.VLAN)
	if !ok { // the attachment has all its sessions
		l.freeSlot(slot)
		l.refuse(now, r, limit.Exceeded{What: limit.Sessions, Scope: limit.PerVLAN})
		return
	}
	info := SessionInfo{Interface: l.attachments.name(r.VLAN), vlan: r.VLAN, SessionID: id, Unit: slot, Peer: r.Client, Service: r.Service, ACName: l.server.cfg.Concentrator.ACName, AccessLine: l.recentLines.of(now, r)}
	peer := session.Peer{MaxMRU: l.loop.maxMRU(r.MaxPayload, r.VLAN), InterfaceID: remoteID(cfg.RemoteIDByAddr, r.Client)}
	if len(cfg.Session.LCP.RequireAuth) == 0 { // else completeAuth assigns it
		var err error
		if peer.Address, err = l.assignAddress(nil, info, l.policyFor(info, nil), nil); err != nil && err != errNoPools {
			l.attachments.release(r.VLAN, id)
			l.freeSlot(slot)
			l.refuse(now, r, err)
			return
		}
	}
	s := l.loop.addSession(info, l.server.sessionConfig(cfg, slot), peer, &cfg.Limits)
	l.server.slots.setSession(slot, s)
	s.requestKey = key
	l.recordSession(s)
	l.byRequest.Put(requested{s})
	l.concentrator.Confirm(r, s.SessionID, &l.queue)
	l.loop.sendDiscovery(s.info(), &l.queue)
	l.server.counts.established.Add(1)
	l.loop.notify(s.info(), SessionEstablished{Grant: discovery.Grant{SessionID: s.SessionID, AC: s.Local, ACName: s.ACName, Service: s.Service, MaxPayload: r.MaxPayload}})
	l.loop.startPPP(now, s)
}

// sessionConfig returns the configuration of the session of a slot, which sessions share unless each has a
// local address of its own.
func (s *Server) sessionConfig(cfg *ServerConfig, slot int) *session.Config {
	if !s.cfg.LocalPerSession || cfg.Session.IPv4 == nil || !cfg.Session.IPv4.Local.Is4() {
		return &cfg.Session
	}
	own, v4 := cfg.Session, *cfg.Session.IPv4
	v4.Local = toAddr(toUint(v4.Local) + uint32(slot))
	own.IPv4 = &v4
	return &own
}

// receivePADT ends a session if session ID and both addresses match (RFC 2516 section 5.5).
func (l *serverLoop) receivePADT(now time.Time, f wire.DiscoveryFrame) {
	s := l.loop.sessions.Get(datapath.Key{VLAN: f.VLAN, Local: f.Dst, Peer: f.Src, SessionID: f.SessionID})
	if s == nil || s.endReason != nil {
		l.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	l.loop.dropSession(now, s, session.Reason{Cause: session.CauseHangUp, Text: "client sent PADT"})
}

// maxFullEvents is how many NoFreeSlots events there are in a second.
const maxFullEvents = 5

// maxUnknownPADTs is how many frames of unknown sessions are answered with a PADT in a second.
const maxUnknownPADTs = 100

// After an adoption, manyUnknownPADTs are in manyUnknownPeriod: peers of sessions that the earlier server had
// no record of, or whose PADT was lost.
const (
	manyUnknownPADTs  = 2000
	manyUnknownPeriod = time.Minute
)

// handleUnknownSession sends a PADT to a peer that uses a session of the server before it was
// restarted: otherwise the peer would notice by timeout only. That the ID is in use does not matter:
// the PADT is to this peer, and both addresses identify a session, too (RFC 2516 section 6). After a
// crash, an ID of which there is no record is soon another peer's. No PADT is sent for an ID beyond
// those that we assign, which may be that of another server with our address; nor if others on this
// machine share the port, as their sessions may have any ID.
func (l *serverLoop) handleUnknownSession(now time.Time, k datapath.Key, _ []byte) {
	if !l.listener.serves(k.VLAN) || !l.attachments.mayAssign(k.SessionID) || l.stopped || !k.Peer.IsUnicast() {
		return
	}
	limiter := l.padtLimiter
	if now.Before(l.manyUnknownUntil) {
		limiter = l.manyPADTs
	}
	ok, _ := limiter.Allow(now)
	if shared := l.loop.ports.Shared; !ok || shared != nil && shared() {
		return
	}
	local := l.loop.ports.Discovery.Addr()
	padt := wire.NewPADT(k.Peer, local, k.SessionID, "")
	padt.VLAN = k.VLAN
	l.queue.Add(padt)
	info := l.packetInfo(k.VLAN, local, k.Peer)
	info.SessionID = k.SessionID
	l.loop.sendDiscovery(info, &l.queue)
}
