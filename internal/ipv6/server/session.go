package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// network are where a line acts on the world. An error is told and outlived: what was lost
// is asked for again, what could not be set is tried again.
type network interface {
	Advertise(radv.Message) error
	Reply(netif.Datagram) error
	Apply(now time.Time, want netif.Config) error
}

// session is one line's server. One goroutine uses it.
type session struct {
	cfg         *Config
	network     network
	router      *radv.Advertiser
	server      *dhcp6.Server
	prefix      netip.Prefix
	allocations []allocation
	reconciler  *netif.Reconciler
	state       State
	notified    bool
	logged      map[string]bool // lines that a client could bring about again and again
}

// allocation is what has to go back to a pool.
type allocation struct {
	pool   *Pool
	prefix netip.Prefix
}

func newSession(cfg *Config, p network, r *rand.Rand) (*session, error) {
	l := &session{cfg: cfg, network: p, reconciler: netif.NewReconciler(cfg.Device, p.Apply, cfg.Log), logged: map[string]bool{}}
	l.prefix, _ = l.allocate(cfg.Networks)
	var prefixes []netip.Prefix
	if l.prefix.IsValid() {
		prefixes = append(prefixes, l.prefix)
	}
	router, err := radv.NewAdvertiser(time.Now(), &radv.AdvertiserConfig{
		Prefixes: prefixes, Preferred: cfg.Preferred, Valid: cfg.Valid,
		Managed: cfg.Addresses != nil, Other: cfg.dhcp(),
		DefaultRouter: true, MTU: cfg.MTU, NameServers: cfg.NameServers, SearchDomains: cfg.SearchDomains,
		Interval: cfg.Interval, Rand: r,
	})
	if err != nil {
		l.freeAll()
		return nil, err
	}
	l.router = router
	l.server = dhcp6.NewServer(&dhcp6.ServerConfig{
		DUID: cfg.DUID, Preferred: cfg.Preferred, Valid: cfg.Valid, NameServers: cfg.NameServers, SearchDomains: cfg.SearchDomains,
		Address: func() (netip.Addr, error) { p, err := l.allocate(cfg.Addresses); return p.Addr(), err },
		Prefix:  func() (netip.Prefix, error) { return l.allocate(cfg.Prefixes) },
	})
	return l, nil
}

var errNoPool = errors.New("there is no pool")

// allocate takes a part of a pool for as long as the line lasts.
func (l *session) allocate(p *Pool) (netip.Prefix, error) {
	if p == nil {
		return netip.Prefix{}, errNoPool
	}
	part, err := p.Allocate(l.cfg.Key)
	if err != nil {
		l.logOnce(slog.LevelWarn, fmt.Sprintf("address pool exhausted: %v", err))
		return part, err
	}
	l.allocations = append(l.allocations, allocation{p, part})
	return part, nil
}

func (l *session) freeAll() {
	for _, t := range l.allocations {
		t.pool.Free(t.prefix)
	}
}

func (l *session) run(ctx context.Context, in netif.Inputs) error {
	defer l.freeAll()
	defer func() { l.reconcile(netif.NewConfig(), State{}) }()
	err := in.Run(ctx, l)
	if err == nil && !errors.Is(context.Cause(ctx), ErrLinkGone) {
		l.debug("router advertisement", l.network.Advertise(l.router.Final(time.Now())))
	}
	return err
}

// ReceivePacket takes the peer's solicitation.
func (l *session) ReceivePacket(now time.Time, p netif.Packet) {
	l.debug("router solicitation", l.router.Receive(now, p.Packet))
}

// Changed does nothing: the routes go with the device.
func (l *session) Changed(time.Time) {}

// ReceiveDatagram answers a client, and has routes follow before it may use what it gets. A client
// that has asked from an address to which there is no route gets its answer on the link.
func (l *session) ReceiveDatagram(now time.Time, d netif.Datagram) {
	reply, err := l.server.Receive(now, d.Data)
	l.debug("DHCPv6 message", err)
	if reply == nil {
		return
	}
	l.reconcile(l.desired())
	to := netip.AddrPortFrom(d.Peer.Addr(), dhcp6.ClientPort)
	err = l.network.Reply(netif.Datagram{Data: reply, Peer: to})
	if err != nil && !to.Addr().IsLinkLocalUnicast() {
		to = netip.AddrPortFrom(l.cfg.Remote, dhcp6.ClientPort)
		err = l.network.Reply(netif.Datagram{Data: reply, Peer: to})
	}
	l.debug("DHCPv6 answer", err)
}

// Step does what is due.
func (l *session) Step(now time.Time) (next time.Time) {
	l.server.Advance(now)
	l.reconcile(l.desired())
	for m := l.router.Advance(now); m.Data != nil; m = l.router.Advance(now) {
		if err := l.network.Advertise(m); err != nil {
			l.debug("router advertisement", err)
			l.router.SendFailed(now)
		}
	}
	return lifetime.Earliest(l.router.Next(), l.server.Next(), l.reconciler.Next())
}

// desired is the routes to what the peer has.
func (l *session) desired() (netif.Config, State) {
	leases := l.server.Leases()
	s := State{Network: l.prefix, Address: leases.Address.Prefix, Delegated: leases.Prefix.Prefix}
	set := netif.NewConfig()
	for _, p := range []netip.Prefix{s.Network, s.Address, s.Delegated} {
		if p.IsValid() {
			key := netif.RouteKey{To: p, Device: l.cfg.Device}
			set.Routes[key] = netif.Route{Gateway: l.gateway(p)}
		}
	}
	return set, s
}

// gateway is the peer for what lies behind it; what is its own is on the link.
func (l *session) gateway(p netip.Prefix) netip.Addr {
	if p == l.prefix || p.IsSingleIP() {
		return netip.Addr{}
	}
	return l.cfg.Remote
}

// reconcile has the kernel follow, and tells.
func (l *session) reconcile(set netif.Config, s State) {
	l.reconciler.Reconcile(time.Now(), set)
	if l.notified && s == l.state {
		return
	}
	l.logChanges(s)
	l.state, l.notified = s, true
	if l.cfg.Notify != nil {
		l.cfg.Notify(s)
	}
}

// logChanges says what the peer has.
func (l *session) logChanges(s State) {
	for _, c := range []struct {
		what    string
		had, is netip.Prefix
	}{
		{"advertised prefix", l.state.Network, s.Network}, {"DHCPv6 lease of address", l.state.Address, s.Address},
		{"DHCPv6 lease of prefix", l.state.Delegated, s.Delegated},
	} {
		switch {
		case c.had == c.is:
		case c.is.IsValid():
			l.logOnce(slog.LevelInfo, fmt.Sprintf("%s %v", c.what, c.is))
		case l.notified:
			l.logOnce(slog.LevelInfo, fmt.Sprintf("%s %v has ended", c.what, c.had))
		}
	}
}

// logOnce logs a line; again only at level debug: how often, a client decides.
func (l *session) logOnce(level slog.Level, text string) {
	if l.logged[text] {
		level = slog.LevelDebug
	}
	l.logged[text] = true
	l.cfg.Log.Log(context.Background(), level, l.cfg.Device+": "+text)
}

func (l *session) debug(what string, err error) {
	if err != nil {
		l.cfg.Log.Debug(fmt.Sprintf("%s: %s: %v", l.cfg.Device, what, err))
	}
}
