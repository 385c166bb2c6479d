package pppoe

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"upppoe/ppp/session"
)

// Server is an access concentrator.
type Server struct {
	cfg           ServerConfig // as NewServer was given it
	current       atomic.Pointer[ServerConfig]
	slots         *slots
	addresses     *addressTable
	addressMemory *addressMemory
	listeners     []*runningListener
}

// NewServer makes a server. The error names the field of cfg that is wrong.
func NewServer(cfg ServerConfig, listeners []Listener) (*Server, error) {
	if err := cfg.check(listeners); err != nil {
		return nil, err
	}
	if cfg.Pool.Max == 0 {
		cfg.Pool.Max = DefaultSessions
	}
	s := &Server{cfg: cfg, slots: newSlots(cfg.Pool.Max, cfg.Pool.MaxPerClient), addresses: newAddressTable(), addressMemory: newAddressMemory(rememberedPerAddress * cfg.Pool.Max)}
	s.setCurrent(cfg)
	for _, l := range listeners {
		s.listeners = append(s.listeners, newRunningListener(s, l))
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
	s.setCurrent(of)
	return nil
}

// rememberedPerAddress is how many clients are remembered for each address of the pool: more than one,
// as each is known by its user alone and at its station, and some return to an address that
// others have had in between.
const rememberedPerAddress = 4

func (s *Server) setCurrent(cfg ServerConfig) {
	if cfg.Session.SetupTimeout == 0 {
		cfg.Session.SetupTimeout = setupTimeout(&cfg.Session)
	}
	s.current.Store(&cfg)
}

// minSetupTimeout is more than a client needs whose LCP and whose authentication each take all
// the time that they have by default, and are then negotiated anew (an LNS behind an LAC).
const minSetupTimeout = 3 * time.Minute

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
	return max(minSetupTimeout, 2*(link+proof))
}

// Run serves until the context ends: it says goodbye to all, waits for their
// answers as long as LCP does, and closes the ports. A Listener whose interface is lost
// comes back by its Reopen; without one Run ends, with the error.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
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

var _ owner = (*serverLoop)(nil)

// Drops tells how many packets of all interfaces were dropped, by the reason. It
// may be called at any time.
func (s *Server) Drops() map[error]uint64 {
	all := make(map[error]uint64)
	for _, l := range s.listeners {
		l.addDrops(all)
	}
	return all
}
