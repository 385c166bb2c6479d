package ipv6

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// Run configures IPv6 of a session until its context ends. Then it releases its DHCPv6 leases,
// unless the context's cause is ErrLinkGone, and removes the addresses, routes and rules that it
// has set. It returns nil then; any other error names the device and says what to do.
//
// If the device is in another network namespace than the program's, call Run from a goroutine that
// is locked to a thread of that namespace; LANs must be there too. Only one Run may use a device at
// a time.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	m, err := openEndpoint(&cfg)
	if err != nil {
		return fmt.Errorf("IPv6 on %w", err)
	}
	defer m.Close()
	s := newSession(&cfg, m, netif.NewRand())
	if err := s.run(ctx, m.Inputs); err != nil {
		return fmt.Errorf("IPv6 on %s: %w", cfg.Device, err)
	}
	return nil
}

// network sends messages and sets addresses and routes. Errors are logged and do not end the
// session: lost messages are retransmitted, and what could not be set is tried again.
type network interface {
	Solicit(radv.Message) error
	SendDHCP(data []byte) error
	lanNetwork
	Apply(now time.Time, want netif.Config) error
	Verify() error
}

// routerTimeout is how long DHCPv6 waits for a router advertisement, whose flags may request more.
// RFC 8415 section 18.2.1 allows a host as much delay.
const routerTimeout = time.Second

// session is the IPv6 client of one session. One goroutine uses it.
type session struct {
	cfg          *Config
	network      network
	host         *radv.Host
	client       *dhcp6.Client
	lans         *lanRouter
	dhcpStart    time.Time // when DHCPv6 stops waiting for a router
	reconciler   *netif.Reconciler
	state        State
	notified     bool
	routeAdvised bool // logMissingDefaultRoute has logged
	leaseLog     *leaseLog
}

func newSession(cfg *Config, p network, r *rand.Rand) *session {
	now := time.Now()
	s := &session{
		cfg: cfg, network: p, dhcpStart: now.Add(routerTimeout),
		reconciler: netif.NewReconciler(cfg.Device, p.Apply, cfg.Log), leaseLog: newLeaseLog(cfg.Device, cfg.Log),
		host: radv.NewHost(now, &radv.HostConfig{Local: cfg.Local, Rand: r}),
		client: dhcp6.NewClient(&dhcp6.ClientConfig{
			DUID: cfg.DUID, IAID: cfg.iaid(), AddressHint: cfg.AddressHint, PrefixHint: cfg.prefixHint(),
			OptionRequest: cfg.OptionRequest, Rand: r,
		}),
	}
	s.lans = newLANRouter(now, cfg, p, r, s.debug)
	return s
}

func (s *session) run(ctx context.Context, in netif.Inputs) error {
	defer func() { s.reconcile(netif.NewConfig(), State{}) }()
	defer func() { s.lans.shutdown(time.Now()) }()
	err := in.Run(ctx, s)
	if err == nil {
		s.release(context.Cause(ctx), in)
	}
	return err
}

// ReceivePacket handles a router advertisement on the device, or a solicitation on a LAN.
func (s *session) ReceivePacket(now time.Time, p netif.Packet) {
	if p.Interface == s.cfg.Device {
		s.debug("router advertisement", s.host.Receive(now, p.Packet))
	} else {
		s.lans.handleSolicitation(now, p)
	}
}

// ReceiveDatagram handles a DHCPv6 message.
func (s *session) ReceiveDatagram(now time.Time, d netif.Datagram) {
	s.debug("DHCPv6 message", s.client.Receive(now, d.Data))
}

// Changed verifies addresses and routes, and restarts advertisements on replaced LAN interfaces.
func (s *session) Changed(now time.Time) {
	s.debug("addresses and routes", s.network.Verify())
	s.lans.restartReplaced(now)
}

// Step implements netif.Handler.
func (s *session) Step(now time.Time) (next time.Time) {
	for m := s.host.Advance(now); m.Data != nil; m = s.host.Advance(now) {
		if err := s.network.Solicit(m); err != nil {
			s.debug("router solicitation", err)
			s.host.SendFailed(now)
		}
	}
	view := s.host.State()
	s.startDHCP(now, &view)
	s.sendDHCP(now)
	lease := s.client.Configuration()
	if s.cfg.NoDHCP {
		lease.State = ""
	}
	s.logMissingDefaultRoute(now, &view, &lease)
	set, state := s.cfg.desired(&view, &lease)
	s.leaseLog.rejected(now, s.client.Rejections())
	s.leaseLog.unanswered(now, s.client.Unanswered())
	s.reconcile(set, state)
	s.lans.update(now, &s.state)
	return s.next(now)
}

// logMissingDefaultRoute logs once that leases are of no use without a default route, if one is
// configured and there is no default router.
func (s *session) logMissingDefaultRoute(now time.Time, view *radv.HostState, lease *dhcp6.Configuration) {
	leased := len(lease.Addresses)+len(lease.Prefixes) > 0
	if s.routeAdvised || !s.cfg.DefaultRoute || s.cfg.DeviceDefaultRoute || !leased || len(view.Routers) > 0 || now.Before(s.dhcpStart) {
		return
	}
	s.routeAdvised = true
	s.cfg.Log.Info(s.cfg.Device + ": no IPv6 default route: no router advertises itself as a default router (option defaultroute6 sets one anyway)")
}

// startDHCP starts DHCPv6 once it is known what to request.
func (s *session) startDHCP(now time.Time, view *radv.HostState) {
	if s.cfg.NoDHCP || !view.Received && now.Before(s.dhcpStart) {
		return
	}
	managed := view.Managed && !s.cfg.NoAutoconf
	wish := dhcp6.IARequest{Address: s.cfg.RequestAddress || managed, Prefix: s.cfg.RequestPrefix}
	if wish != (dhcp6.IARequest{}) || view.Other || s.cfg.OptionRequest != (dhcp6.OptionRequest{}) {
		s.client.Request(now, wish)
	}
}

func (s *session) sendDHCP(now time.Time) {
	for m := s.client.Advance(now); m != nil; m = s.client.Advance(now) {
		if err := s.network.SendDHCP(m); err != nil {
			s.debug("DHCPv6 message", err)
			s.client.SendFailed(now)
		}
	}
}

// reconcile applies the desired configuration, and reports changes.
func (s *session) reconcile(set netif.Config, state State) {
	s.reconciler.Reconcile(time.Now(), set)
	s.leaseLog.changed(time.Now(), &s.state, &state, s.client.Configuration().Server)
	same := s.notified && state.sameButLifetimes(s.state)
	s.state, s.notified = state, true
	if !same && s.cfg.Notify != nil {
		s.cfg.Notify(state)
	}
}

// next returns when Step is due again.
func (s *session) next(now time.Time) time.Time {
	next := lifetime.Earliest(s.host.Next(), s.client.Next(), s.reconciler.Next(), s.lans.next())
	if s.dhcpStart.After(now) {
		next = lifetime.Earliest(next, s.dhcpStart)
	}
	return next
}

// release sends a Release. The addresses must not be used from then on (RFC 8415 section 18.2.7).
func (s *session) release(cause error, in netif.Inputs) {
	if s.cfg.NoRelease || errors.Is(cause, ErrLinkGone) {
		return
	}
	s.client.Release(time.Now())
	s.reconcile(netif.NewConfig(), State{})
	end := time.NewTimer(releaseTimeout)
	defer end.Stop()
	for {
		s.sendDHCP(time.Now())
		if s.client.Done() {
			return
		}
		again := time.NewTimer(lifetime.Remaining(time.Now(), s.client.Next()))
		select {
		case d := <-in.Datagrams:
			s.ReceiveDatagram(time.Now(), d)
		case <-again.C:
		case <-in.Failures:
			return
		case <-end.C:
			s.cfg.Log.Info(s.cfg.Device + ": no DHCPv6 Reply to Release: the server may hold the leases until they expire")
			return
		}
		again.Stop()
	}
}

func (s *session) debug(what string, err error) {
	if err != nil {
		s.cfg.Log.Debug(fmt.Sprintf("%s: %s: %v", s.cfg.Device, what, err))
	}
}
