package pppoe

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"upppoe/internal/deadlines"
	"upppoe/internal/ratelimit"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// Server is an access concentrator.
type Server struct {
	cfg       ServerConfig // as NewServer was given it
	now       atomic.Pointer[ServerConfig]
	slots     *slots
	addresses *addresses
	returning *returning
	lines     []*listening
}

// NewServer makes a server. The error names the field of cfg that is wrong.
func NewServer(cfg ServerConfig, listeners []Listener) (*Server, error) {
	if err := cfg.check(listeners); err != nil {
		return nil, err
	}
	if cfg.Pool.Max == 0 {
		cfg.Pool.Max = DefaultSessions
	}
	s := &Server{cfg: cfg, slots: newSlots(cfg.Pool.Max, cfg.Pool.MaxPerClient), addresses: newAddresses(), returning: newReturning(rememberedEach * cfg.Pool.Max)}
	s.apply(cfg)
	for _, l := range listeners {
		s.lines = append(s.lines, newListening(s, l))
	}
	return s, nil
}

// Reconfigure replaces Session, RemoteIDByAddr, MSS, Limits, Terms, Authority and Trace for sessions that begin
// from now on. Those that are under way keep what they began with, but for Terms and Authority,
// which are asked when they authenticate anew. All else of cfg must be as NewServer was given it,
// and is not looked at. The error names the field that is wrong; then nothing has changed.
// Reconfigure may be called at any time, from any goroutine.
func (s *Server) Reconfigure(cfg ServerConfig) error {
	of := s.cfg
	of.Session, of.MSS, of.Limits, of.Policy, of.Authenticator, of.Trace = cfg.Session, cfg.MSS, cfg.Limits, cfg.Policy, cfg.Authenticator, cfg.Trace
	of.RemoteIDByAddr = cfg.RemoteIDByAddr
	if err := of.checkSessions(); err != nil {
		return err
	}
	s.apply(of)
	return nil
}

// rememberedEach is how many clients are remembered for each address of the pool: more than one,
// as each is known by its user alone and at its station, and some return to an address that
// others have had in between.
const rememberedEach = 4

func (s *Server) apply(cfg ServerConfig) {
	if cfg.Session.SetupTimeout == 0 {
		cfg.Session.SetupTimeout = setupTimeout(&cfg.Session)
	}
	s.now.Store(&cfg)
}

// leastPatience is more than a client needs whose LCP and whose authentication each take all
// the time that they have by default, and are then negotiated anew (an LNS behind an LAC).
const leastPatience = 3 * time.Minute

// setupTimeout is how long a client may have a slot without being admitted: longer, where LCP and
// authentication may take longer; below zero, for ever, where one of them may.
func setupTimeout(c *session.Config) time.Duration {
	auth := c.AuthTimers.WithDefaults(0)
	if auth.Timeout < 0 {
		return -1
	}
	limits := c.LCP.Limits.WithDefaults()
	link := time.Duration(limits.MaxConfigure) * limits.Restart
	proof := max(auth.Timeout, time.Duration(auth.MaxTransmit)*auth.Restart)
	return max(leastPatience, 2*(link+proof))
}

// Run serves until the context ends: it says goodbye to all, waits for their
// answers as long as LCP does, and closes the ports. A Listener whose interface is lost
// comes back by its Reopen; without one Run ends, with the error.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	errs := make([]error, len(s.lines))
	var running sync.WaitGroup
	for i, l := range s.lines {
		running.Go(func() {
			errs[i] = l.run(ctx)
			stop()
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// serverLoop is the owner of a server's loop: one interface.
type serverLoop struct {
	server       *Server
	loop         *loop
	concentrator *discovery.Concentrator
	queue        wire.Queue
	byKey        map[discovery.RequestKey]*tunnel
	waiting      map[wire.Addr]*waiter // by client
	expiring     deadlines.Heap[*waiter]
	ctx          context.Context // ends when the loop does, and what it has asked with it
	stopped      bool
	late         latePADTs
	strays       *ratelimit.Limiter // frames that are answered
	full         *ratelimit.Limiter // Full events
}

var _ owner = (*serverLoop)(nil)

func newServerLoop(s *Server, l Listener) *serverLoop {
	o := &serverLoop{
		server: s, byKey: make(map[discovery.RequestKey]*tunnel), waiting: make(map[wire.Addr]*waiter),
		strays: ratelimit.New(maxStrays, time.Second), full: ratelimit.New(maxFull, time.Second),
	}
	o.loop = newLoop(l.Interface, l.Ports, s.cfg.Network, s.cfg.DataPath, s.cfg.Notify, s.cfg.Trace)
	o.loop.owner, o.loop.mss = o, s.cfg.MSS
	c := s.cfg.Concentrator
	c.MaxPayload = o.loop.maxPayload()
	o.concentrator = discovery.NewConcentrator(l.Ports.Discovery.Addr(), c)
	return o
}

func (o *serverLoop) run(ctx context.Context) error {
	var stop context.CancelFunc
	o.ctx, stop = context.WithCancel(context.Background())
	defer stop()
	return o.loop.run(ctx)
}

func (o *serverLoop) deadline() time.Time { return ppp.Earliest(o.expiring.Next(), o.late.next) }
func (o *serverLoop) idle() bool          { return true }

func (o *serverLoop) advance(now time.Time) {
	o.expire(now)
	o.repeatLate(now)
}

func (o *serverLoop) stop(now time.Time) {
	o.stopped = true
	o.late.next = time.Time{} // what is left is the next loop's
	o.stopWaiting()
	for _, t := range o.loop.tunnels {
		if t.reason == nil {
			o.loop.close(now, t, session.Reason{Cause: session.UserRequest, Text: "Server is shutting down"})
		}
	}
}

// handleEvent does what an event means for the server.
func (o *serverLoop) handleEvent(now time.Time, t *tunnel, event Event) {
	switch e := event.(type) {
	case session.AuthRequest:
		o.loop.ask(o.ctx, o.server.now.Load().Authenticator, t, e.Response)
	case session.Authenticated:
		if e.Peer {
			t.User = e.Name
		}
	case session.NetworkPhase:
		o.admit(t)
	case session.NetworkDown:
		if e.Protocol == ppp.IPCP {
			o.unawait(t)
		}
	case session.Closed:
		o.server.slots.end(t.Peer)
	case Configured:
		o.configured(t, e)
	case Ended:
		o.unawait(t)
		t.want.IPv4 = ipcp.Agreement{}
		o.unclaim(t, Addressing{})
		delete(o.byKey, t.key)
		o.free(int(t.SessionID) - 1)
	}
}

// admit has the session be its peer's: also one that had another peer's until its link was
// negotiated anew, of which nothing stays.
func (o *serverLoop) admit(t *tunnel) {
	t.terms = SessionPolicy{}
	switch ask := o.server.now.Load().Policy; {
	case t.granted != nil:
		t.terms = *t.granted
	case ask != nil:
		t.terms = ask(t.SessionInfo)
	}
	if t.want.device && t.User != t.admitted {
		t.limits.renew(o.loop.data.Counters(t.SessionID))
	}
	t.admitted, t.want.device = t.User, true
	o.loop.reconcile(t)
}

// decided gives the peer an address of the pool if the Authority names none: the one that it had
// last, or the session's own, or another that is free if its account allows only that. If there
// is none, the peer must name one that its account allows.
func (o *serverLoop) decided(t *tunnel, d *AuthResult) {
	pool, line := o.server.cfg.Pool, t.SessionInfo
	if !d.Accepted {
		return
	}
	t.claims.own = d.Alternates
	if d.Address.IsValid() {
		d.Address = o.server.addresses.choose(d.Address, d.Alternates, t.Peer)
		t.claims.own = append([]netip.Addr{d.Address}, d.Alternates...)
		if place, ok := pool.placeOf(d.Address); ok {
			o.server.slots.name(place)
		}
		return
	}
	if !pool.First.Is4() {
		return
	}
	line.User = t.proving
	d.Address = netip.IPv4Unspecified()
	if o.place(t, line, d.AllowAddress) {
		d.Address = pool.at(o.server.slots.placeOf(int(t.SessionID) - 1))
		t.claims.own = []netip.Addr{d.Address}
	}
}

// place gives a session a place in the pool whose address no other session has and that is
// allowed; nil: each is. It reports whether there is one.
func (o *serverLoop) place(t *tunnel, line SessionInfo, allowed func(netip.Addr) bool) bool {
	willDo := func(place int) bool {
		a := o.server.cfg.Pool.at(place)
		return (allowed == nil || allowed(a)) && o.server.addresses.isFree(a, t)
	}
	return o.server.slots.move(int(line.SessionID)-1, willDo, o.server.returning.placesOf(line)...)
}

// configured remembers the address of a session's peer, for when it comes back.
func (o *serverLoop) configured(t *tunnel, e Configured) {
	if place, ok := o.server.cfg.Pool.placeOf(e.IPv4.Remote); ok {
		o.server.returning.remember(t.SessionInfo, place)
	}
}

// handleDiscovery takes a discovery packet.
func (o *serverLoop) handleDiscovery(now time.Time, frame []byte) {
	f, err := wire.ParseDiscoveryFrame(frame)
	if err != nil {
		o.loop.drops.count(err)
		return
	}
	o.loop.tellDiscovery(SessionInfo{Interface: o.loop.iface, Local: f.Dst, Peer: f.Src}, DiscoveryReceived{Packet: f})
	switch f.Code {
	case wire.PADI:
		if !o.stopped {
			o.loop.drops.count(o.concentrator.ReceivePADI(now, f, &o.queue))
		}
	case wire.PADR:
		o.receivePADR(now, f)
	case wire.PADT:
		o.receivePADT(now, f)
	default:
		o.loop.drops.count(discovery.ErrUnexpected)
	}
	o.loop.sendDiscovery(SessionInfo{Interface: o.loop.iface, Local: f.Dst, Peer: f.Src}, &o.queue)
}

// receivePADR opens a session, or confirms the one that is already there: the PADS
// was lost then, and the client asks again.
func (o *serverLoop) receivePADR(now time.Time, f wire.DiscoveryFrame) {
	r, err := o.concentrator.ReceivePADR(now, f, &o.queue)
	if err != nil {
		o.loop.drops.count(err)
		return
	}
	key := r.Key()
	if t := o.byKey[key]; t != nil {
		if t.reason == nil {
			o.concentrator.Confirm(r, t.SessionID, &o.queue)
		}
		return
	}
	if !o.stopped {
		if slot, ok := o.server.slots.take(r.Client, o); ok {
			if w := o.waiting[r.Client]; w != nil {
				o.unwait(w)
			}
			o.open(now, slot, r, key)
			return
		}
		if o.makeRoom(now, r, key) {
			return
		}
	}
	o.refuse(now, r)
}

// open makes the session of a request. PADS goes out before the first LCP packet.
func (o *serverLoop) open(now time.Time, slot int, r discovery.Request, key discovery.RequestKey) {
	is := o.server.now.Load()
	o.loop.mss, o.loop.trace = is.MSS, is.Trace
	cfg := is.Session
	line := SessionInfo{SessionID: uint16(slot + 1), Peer: r.Client, Service: r.Service, ACName: o.server.cfg.Concentrator.ACName}
	if cfg.IPv4 != nil && o.server.cfg.Pool.First.Is4() && o.place(nil, line, nil) {
		v4 := *cfg.IPv4
		v4.Remote = o.server.cfg.Pool.at(o.server.slots.placeOf(slot))
		cfg.IPv4 = &v4
	}
	identify(&cfg, is.RemoteIDByAddr, r.Client)
	cfg.LCP.MaxMRU = o.loop.maxMRU(r.MaxPayload)
	t := o.loop.begin(line, &cfg, is.Limits)
	t.key = key
	o.byKey[key] = t
	o.concentrator.Confirm(r, t.SessionID, &o.queue)
	o.loop.sendDiscovery(t.SessionInfo, &o.queue)
	o.loop.notify(t.SessionInfo, SessionEstablished{Grant: discovery.Grant{SessionID: t.SessionID, AC: t.Local, ACName: t.ACName, Service: t.Service, MaxPayload: r.MaxPayload}})
	o.loop.up(now, t)
}

// receivePADT ends a session at its client's word: RFC 2516 section 5.5, session ID
// and both addresses must match.
func (o *serverLoop) receivePADT(now time.Time, f wire.DiscoveryFrame) {
	t := o.loop.tunnels[f.SessionID]
	if t == nil || f.Src != t.Peer || f.Dst != t.Local || t.reason != nil {
		o.loop.drops.count(discovery.ErrNotOurs)
		return
	}
	o.loop.hangUp(now, t, session.Reason{Cause: session.HangUp, Text: "client sent PADT"})
}

// maxFull is how often in a second it is told that there is no slot.
const maxFull = 5

// maxStrays is how many frames of no session are answered in a second.
const maxStrays = 100

// handleUnknown tells who goes on with a session that was another life's of ours, before a
// crash, that it has ended: else it would find that out by silence only. A session ID
// that is in use may be heard on another interface, too; one beyond our slots may be that
// of another server with our address. Who shares the port with us, perhaps as a client, has
// sessions of any ID.
func (o *serverLoop) handleUnknown(now time.Time, from wire.Addr, id uint16, _ []byte) {
	if !o.server.slots.isFree(int(id)-1) || o.stopped || !from.IsUnicast() {
		return
	}
	ok, _ := o.strays.Allow(now)
	if shared := o.loop.ports.Shared; !ok || shared != nil && shared() {
		return
	}
	local := o.loop.ports.Discovery.Addr()
	o.queue.Add(wire.NewPADT(from, local, id, ""))
	o.loop.sendDiscovery(SessionInfo{Interface: o.loop.iface, SessionID: id, Local: local, Peer: from}, &o.queue)
}

// Drops tells how many packets of all interfaces were dropped, by the reason. It
// may be called at any time.
func (s *Server) Drops() map[error]uint64 {
	all := make(map[error]uint64)
	for _, l := range s.lines {
		l.addDrops(all)
	}
	return all
}
