package pppoe

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// Server is an access concentrator: one loop for each Listener. Run may be called once. All other
// methods may be called concurrently with it; SetInterfaceState only from one goroutine for each
// interface.
type Server struct {
	cfg           ServerConfig // as NewServer received it
	current       atomic.Pointer[ServerConfig]
	slots         *slots
	access        *access
	addresses     *addressTable
	addressMemory *addressMemory
	framed        *framedClaims
	users         *userSessions
	listeners     []*runningListener
	reconcilers   reconcilerPool
	generations   atomic.Uint64
	draining      atomic.Bool
	refusal       atomic.Pointer[error]
	counts        serverCounts
	adopting      sync.Mutex                 // held by Adopt, and while Run begins
	running       bool                       // Run was called; guarded by adopting
	suspending    sync.Mutex                 // held by Suspend, Resume and Leave
	suspension    atomic.Pointer[suspension] // nil: the server is not suspended
	finishing     bool                       // FinishSetups was called; guarded by suspending
	delayed       atomic.Bool                // the ports are not read yet: see ServerConfig.Delayed
	leave         func()                     // ends Run; set by it
}

// NewServer makes a server. The error names the field of cfg that is wrong.
func NewServer(cfg ServerConfig, listeners []Listener) (*Server, error) {
	if err := cfg.check(listeners); err != nil {
		return nil, err
	}
	if cfg.Pool.Max == 0 {
		cfg.Pool.Max = DefaultSessions
	}
	s := &Server{cfg: cfg, slots: newSlots(cfg.Pool.Max, cfg.Pool.MaxPerClient, cfg.Access), access: newAccess(cfg.Access, len(listeners)), addressMemory: newAddressMemory(rememberedPerAddress * cfg.Pool.Max)}
	s.addresses = newAddressTable(cfg.pools(), cfg.Pool.Max, cfg.Withhold)
	s.framed, s.users = newFramedClaims(), newUserSessions()
	s.generations.Store(cfg.LastGeneration)
	s.setCurrent(cfg)
	s.delayed.Store(cfg.Delayed)
	for i, l := range listeners {
		s.listeners = append(s.listeners, newRunningListener(s, l, uint16(i)))
	}
	return s, nil
}

// Run serves until the context ends; then it closes all sessions (Terminate-Request, until
// LCP's timeout) and then the ports. A Listener whose interface is lost is reopened by its
// Reopen; without one, Run ends with the error.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.adopting.Lock()
	s.running, s.leave = true, stop
	s.adopting.Unlock()
	errs := make([]error, len(s.listeners))
	var running sync.WaitGroup
	for i, l := range s.listeners {
		running.Go(func() {
			errs[i] = l.run(ctx)
			stop()
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// Reconfigure replaces Session, RemoteIDByAddr, MSS, Limits, Access, Policy, Authenticator, Trace, Pools,
// DefaultPool, Duplicates, KeepOlder and Concentrator.Services for sessions that begin from now on. Open sessions keep theirs, except that
// Policy and Authenticator apply when they authenticate again. The other fields of cfg are ignored.
// On error, which names the field that is wrong, nothing changes.
func (s *Server) Reconfigure(cfg ServerConfig) error {
	next := s.cfg
	next.Session, next.MSS, next.Limits, next.Policy, next.Authenticator, next.Trace = cfg.Session, cfg.MSS, cfg.Limits, cfg.Policy, cfg.Authenticator, cfg.Trace
	next.Pools, next.DefaultPool, next.Duplicates, next.KeepOlder = cfg.Pools, cfg.DefaultPool, cfg.Duplicates, cfg.KeepOlder
	next.RemoteIDByAddr, next.Access, next.Concentrator.Services = cfg.RemoteIDByAddr, cfg.Access, cfg.Concentrator.Services
	if err := next.checkSessions(); err != nil {
		return err
	}
	if !samePools(s.current.Load().Pools, next.Pools) {
		s.addresses.setPools(next.pools())
	}
	s.setCurrent(next)
	s.access.configure(next.Access)
	s.slots.setLimits(next.Access)
	return nil
}

// SetInterfaceState sets the state and the address of an Ethernet interface. A zero address means:
// unknown, or fixed by the listeners. Listeners lose their sessions when their interface is gone or
// its address has changed: the peers get a PADT as soon as frames can be sent, and three more
// within 35 s, because a bridge may not forward at once. The listeners are reopened as soon as the
// interface is usable. It may be called at any time while Run runs, from one goroutine per
// interface.
func (s *Server) SetInterfaceState(device string, state InterfaceState, a wire.Addr) {
	for _, l := range s.listeners {
		if l.Device == device {
			l.interfaceChanged(state, a)
		}
	}
}

// SetSourcePrefixes sets the prefixes that the peer of a session has in addition to its negotiated
// addresses: those advertised, leased or delegated to it. It may use them as sources; those of a
// shared device are also routed to it. They replace those of an earlier call, until the session
// ends. The call has no effect if there is no such session, or, without a shared device, if it has
// not been Configured or its policy has no CheckSource. It may be called at any time, from any
// goroutine, including from Notify, and does not block.
func (s *Server) SetSourcePrefixes(session SessionKey, prefixes []netip.Prefix) {
	for _, l := range s.loops() {
		switch {
		case s.cfg.Shared == nil:
			if l.loop.sourceFilters.setDynamic(session.Generation, prefixes) {
				return
			}
		case l.loop.hasPath(session):
			l.loop.dynamicPrefixes.set(session, prefixes)
			return
		}
	}
}

// Send sends an IP packet to the peer of a session, regardless of its rates, and reports whether it
// was sent. It is for the server's own packets to a session of a shared device. It may be called at
// any time, from any goroutine.
func (s *Server) Send(session SessionKey, packet []byte) bool {
	for _, l := range s.loops() {
		if path := l.loop.pathOf(session); path != nil {
			return path.Send(packet)
		}
	}
	return false
}

// Drops returns how many discovery and control frames of all interfaces were dropped, by reason;
// dropped IP packets are in Counters. It may be called at any time.
func (s *Server) Drops() map[error]uint64 {
	all := make(map[error]uint64)
	for _, l := range s.listeners {
		l.addDrops(all)
	}
	return all
}

// loops returns the loops that are running.
func (s *Server) loops() (all []*serverLoop) {
	for _, l := range s.listeners {
		if loop := l.currentLoop(); loop != nil {
			all = append(all, loop)
		}
	}
	return all
}

// rememberedPerAddress is how many clients are remembered per address of the pool: more than one,
// because each has an entry for its user and one for its user and Ethernet address, and a client
// may return to an address that others have had since.
const rememberedPerAddress = 4

func (s *Server) setCurrent(cfg ServerConfig) {
	if cfg.Session.SetupTimeout == 0 {
		cfg.Session.SetupTimeout = setupTimeout(&cfg.Session)
	}
	s.current.Store(&cfg)
}

// minSetupTimeout is more than a client needs whose LCP and authentication each take all the time
// that they have by default, and are then renegotiated (an LNS behind an LAC).
const minSetupTimeout = 3 * time.Minute

// setupTimeout returns how long a client may have a slot without being authenticated:
// minSetupTimeout, or more if LCP and authentication may take longer; negative: no limit, if
// authentication has none.
func setupTimeout(c *session.Config) time.Duration {
	auth := c.AuthTimers.WithDefaults(0)
	if auth.Timeout < 0 {
		return -1
	}
	limits := c.LCP.Limits.WithDefaults()
	link := time.Duration(limits.MaxConfigure) * limits.Restart
	response := max(auth.Timeout, time.Duration(auth.MaxTransmit)*auth.Restart)
	return max(minSetupTimeout, 2*(link+response))
}
