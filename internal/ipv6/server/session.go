package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// Run serves a session until its context ends. Then it sends a final router advertisement, unless
// the context's cause is ErrLinkGone, and removes the routes that it has set. It returns nil then;
// any other error names the device and says what to do.
//
// It must be called on a thread of the device's network namespace. Once Notify has been called for
// the first time, the thread does not matter.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	m, err := openEndpoint(&cfg)
	if err != nil {
		return fmt.Errorf("IPv6 server on %w", err)
	}
	defer m.Close()
	s, err := newSession(&cfg, m, netif.NewRand())
	if err != nil {
		return fmt.Errorf("IPv6 server on %s: %w", cfg.Device, err)
	}
	if err := s.run(ctx, m.Inputs); err != nil {
		return fmt.Errorf("IPv6 server on %s: %w", cfg.Device, err)
	}
	return nil
}

// network sends messages and sets routes. Errors are logged and do not end the session: the client
// repeats what was lost, and what could not be set is tried again.
type network interface {
	Advertise(radv.Message) error
	Reply(netif.Datagram) error
	Apply(now time.Time, want netif.Config) error
}

// session is the IPv6 server of one session. One goroutine uses it.
type session struct {
	cfg         *Config
	network     network
	router      *radv.Advertiser
	server      *dhcp6.Server
	prefix      netip.Prefix
	allocations []allocation
	reconciler  *netif.Reconciler
	state       assign.State
	notified    bool
	logged      map[string]bool // lines that a client could cause again and again
}

// allocation is a prefix to return to its pool.
type allocation struct {
	pool   *assign.Pool
	prefix netip.Prefix
}

func newSession(cfg *Config, p network, r *rand.Rand) (*session, error) {
	s := &session{cfg: cfg, network: p, reconciler: netif.NewReconciler(cfg.Device, p.Apply, cfg.Log), logged: map[string]bool{}}
	before := s.restored()
	s.prefix = s.keepOr(assign.Networks, before.Network, func() (netip.Prefix, error) {
		return s.assign(cfg.Networks, assign.Networks, cfg.Fixed.Network)
	})
	router := cfg.Advertiser(r)
	router.Managed = router.Managed || cfg.Fixed.Address.IsValid()
	router.MTU = cfg.MTU
	if s.prefix.IsValid() {
		router.Prefixes = []netip.Prefix{s.prefix}
	}
	var err error
	if s.router, err = radv.NewAdvertiser(time.Now(), router); err != nil {
		s.freeAll()
		return nil, err
	}
	server := cfg.Server()
	server.Address = func() (netip.Addr, error) {
		p, err := s.assign(cfg.Addresses, assign.Addresses, cfg.Fixed.Address)
		return p.Addr(), err
	}
	server.Prefix = func() (netip.Prefix, error) { return s.assign(cfg.Prefixes, assign.Prefixes, cfg.Fixed.Delegated) }
	s.server = dhcp6.ResumeServer(server, s.restoredLeases(time.Now(), before))
	return s, nil
}

var errNoPool = errors.New("no pool")

// errTaken reports that another session has a fixed prefix.
var errTaken = errors.New("another session has it")

// assign assigns a fixed prefix, or one of a pool, until the session ends.
func (s *session) assign(p *assign.Pool, kind assign.Kind, fixed netip.Prefix) (netip.Prefix, error) {
	if !fixed.IsValid() {
		return s.allocate(p)
	}
	switch p = s.cfg.Owner(kind, fixed); {
	case p == nil:
		return fixed, nil
	case !p.Reserve(fixed):
		s.logOnce(slog.LevelWarn, fmt.Sprintf("%v is not assigned: %v", fixed, errTaken))
		return netip.Prefix{}, errTaken
	}
	s.allocations = append(s.allocations, allocation{p, fixed})
	return fixed, nil
}

// allocate allocates a prefix of a pool until the session ends.
func (s *session) allocate(p *assign.Pool) (netip.Prefix, error) {
	if p == nil {
		return netip.Prefix{}, errNoPool
	}
	part, err := p.Allocate(s.cfg.Key)
	if err != nil {
		s.logOnce(slog.LevelWarn, fmt.Sprintf("address pool exhausted: %v", err))
		return part, err
	}
	s.allocations = append(s.allocations, allocation{p, part})
	return part, nil
}

func (s *session) freeAll() {
	for _, t := range s.allocations {
		t.pool.Free(t.prefix)
	}
}

func (s *session) run(ctx context.Context, in netif.Inputs) error {
	defer s.freeAll()
	s.keep()
	err := in.Run(ctx, s)
	if errors.Is(context.Cause(ctx), ErrLeft) {
		return err
	}
	defer func() { s.reconcile(netif.NewConfig(), assign.State{}) }()
	if err == nil && !errors.Is(context.Cause(ctx), ErrLinkGone) {
		s.debug("router advertisement", s.network.Advertise(s.router.Final(time.Now())))
	}
	return err
}

// ReceivePacket handles the peer's router solicitation.
func (s *session) ReceivePacket(now time.Time, p netif.Packet) {
	s.debug("router solicitation", s.router.Receive(now, p.Packet))
}

// Changed does nothing: the kernel removes the routes with the device.
func (s *session) Changed(time.Time) {}

// ReceiveDatagram answers a DHCPv6 client, after the routes to its leases have been set. If the
// reply cannot be sent to the client's address, as there is no route, it is sent to the peer's
// link-local address.
func (s *session) ReceiveDatagram(now time.Time, d netif.Datagram) {
	reply, err := s.server.Receive(now, d.Data)
	s.debug("DHCPv6 message", err)
	if reply == nil {
		return
	}
	s.reconcile(s.desired())
	to := netip.AddrPortFrom(d.Peer.Addr(), dhcp6.ClientPort)
	err = s.network.Reply(netif.Datagram{Data: reply, Peer: to})
	if err != nil && !to.Addr().IsLinkLocalUnicast() {
		to = netip.AddrPortFrom(s.cfg.Remote, dhcp6.ClientPort)
		err = s.network.Reply(netif.Datagram{Data: reply, Peer: to})
	}
	s.debug("DHCPv6 answer", err)
	s.keep()
}

// Step implements netif.Handler.
func (s *session) Step(now time.Time) (next time.Time) {
	s.server.Advance(now)
	s.reconcile(s.desired())
	for m := s.router.Advance(now); m.Data != nil; m = s.router.Advance(now) {
		if err := s.network.Advertise(m); err != nil {
			s.debug("router advertisement", err)
			s.router.SendFailed(now)
		}
	}
	return lifetime.Earliest(s.router.Next(), s.server.Next(), s.reconciler.Next())
}

// desired returns the routes to what the peer has.
func (s *session) desired() (netif.Config, assign.State) {
	leases := s.server.Leases()
	state := assign.State{Network: s.prefix, Address: leases.Address.Prefix, Delegated: leases.Prefix.Prefix}
	set := netif.NewConfig()
	for _, p := range []netip.Prefix{state.Network, state.Address, state.Delegated} {
		if p.IsValid() {
			key := netif.RouteKey{To: p, Table: s.cfg.Table, Device: s.cfg.Device}
			set.Routes[key] = netif.Route{Gateway: s.gateway(p)}
		}
	}
	return set, state
}

// gateway returns the peer for a delegated prefix; the peer's own addresses are on link.
func (s *session) gateway(p netip.Prefix) netip.Addr {
	if p == s.prefix || p.IsSingleIP() {
		return netip.Addr{}
	}
	return s.cfg.Remote
}

// reconcile applies the desired routes, and reports changes.
func (s *session) reconcile(set netif.Config, state assign.State) {
	s.reconciler.Reconcile(time.Now(), set)
	if s.notified && state == s.state {
		return
	}
	for _, line := range state.Changes(s.state) {
		s.logOnce(slog.LevelInfo, line)
	}
	s.state, s.notified = state, true
	if s.cfg.Notify != nil {
		s.cfg.Notify(state)
	}
}

// logOnce logs a line, and repetitions at level debug only: a client decides how many there are.
func (s *session) logOnce(level slog.Level, text string) {
	if s.logged[text] {
		level = slog.LevelDebug
	}
	s.logged[text] = true
	s.cfg.Log.Log(context.Background(), level, s.cfg.Device+": "+text)
}

func (s *session) debug(what string, err error) {
	if err != nil {
		s.cfg.Log.Debug(fmt.Sprintf("%s: %s: %v", s.cfg.Device, what, err))
	}
}
