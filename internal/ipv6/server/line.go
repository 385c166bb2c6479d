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

// ports are where a line acts on the world. An error is told and outlived: what was lost
// is asked for again, what could not be set is tried again.
type ports interface {
	Advertise(radv.Message) error
	Answer(netif.Datagram) error
	Apply(now time.Time, want netif.Set) error
}

// line is one line's server. One goroutine uses it.
type line struct {
	cfg     *Config
	ports   ports
	router  *radv.Advertiser
	server  *dhcp6.Server
	network netip.Prefix
	taken   []taken
	keeper  *netif.Keeper
	state   State
	told    bool
	logged  map[string]bool // lines that a client could bring about again and again
}

// taken is what has to go back to a pool.
type taken struct {
	pool *Pool
	part netip.Prefix
}

func newLine(cfg *Config, p ports, r *rand.Rand) (*line, error) {
	l := &line{cfg: cfg, ports: p, keeper: netif.NewKeeper(cfg.Device, p.Apply, cfg.Log), logged: map[string]bool{}}
	l.network, _ = l.take(cfg.Networks)
	var prefixes []netip.Prefix
	if l.network.IsValid() {
		prefixes = append(prefixes, l.network)
	}
	router, err := radv.NewAdvertiser(time.Now(), &radv.AdvertiserConfig{
		Prefixes: prefixes, Preferred: cfg.Preferred, Valid: cfg.Valid,
		Managed: cfg.Addresses != nil, Other: cfg.dhcp(),
		Default: true, MTU: cfg.MTU, Servers: cfg.Servers, Domains: cfg.Domains,
		Interval: cfg.Interval, Rand: r,
	})
	if err != nil {
		l.giveBack()
		return nil, err
	}
	l.router = router
	l.server = dhcp6.NewServer(&dhcp6.ServerConfig{
		DUID: cfg.DUID, Preferred: cfg.Preferred, Valid: cfg.Valid, Servers: cfg.Servers, Domains: cfg.Domains,
		Address: func() (netip.Addr, error) { p, err := l.take(cfg.Addresses); return p.Addr(), err },
		Prefix:  func() (netip.Prefix, error) { return l.take(cfg.Prefixes) },
	})
	return l, nil
}

var errNoPool = errors.New("there is no pool")

// take takes a part of a pool for as long as the line lasts.
func (l *line) take(p *Pool) (netip.Prefix, error) {
	if p == nil {
		return netip.Prefix{}, errNoPool
	}
	part, err := p.Take(l.cfg.Key)
	if err != nil {
		l.once(slog.LevelWarn, fmt.Sprintf("address pool exhausted: %v", err))
		return part, err
	}
	l.taken = append(l.taken, taken{p, part})
	return part, nil
}

func (l *line) giveBack() {
	for _, t := range l.taken {
		t.pool.Give(t.part)
	}
}

func (l *line) run(ctx context.Context, in netif.Inputs) error {
	defer l.giveBack()
	defer func() { l.settle(netif.NewSet(), State{}) }()
	err := in.Run(ctx, l)
	if err == nil && !errors.Is(context.Cause(ctx), ErrLinkGone) {
		l.debug("router advertisement", l.ports.Advertise(l.router.Last(time.Now())))
	}
	return err
}

// ReceivePacket takes the peer's solicitation.
func (l *line) ReceivePacket(now time.Time, p netif.Packet) {
	l.debug("router solicitation", l.router.Receive(now, p.Packet))
}

// Changed does nothing: the routes go with the device.
func (l *line) Changed(time.Time) {}

// ReceiveDatagram answers a client, and has routes follow before it may use what it gets. A client
// that has asked from an address to which there is no route gets its answer on the link.
func (l *line) ReceiveDatagram(now time.Time, d netif.Datagram) {
	reply, err := l.server.Receive(now, d.Data)
	l.debug("DHCPv6 message", err)
	if reply == nil {
		return
	}
	l.settle(l.plan())
	to := netip.AddrPortFrom(d.Peer.Addr(), dhcp6.ClientPort)
	err = l.ports.Answer(netif.Datagram{Data: reply, Peer: to})
	if err != nil && !to.Addr().IsLinkLocalUnicast() {
		to = netip.AddrPortFrom(l.cfg.Remote, dhcp6.ClientPort)
		err = l.ports.Answer(netif.Datagram{Data: reply, Peer: to})
	}
	l.debug("DHCPv6 answer", err)
}

// Step does what is due.
func (l *line) Step(now time.Time) (next time.Time) {
	l.server.Advance(now)
	l.settle(l.plan())
	for m := l.router.Advance(now); m.Data != nil; m = l.router.Advance(now) {
		if err := l.ports.Advertise(m); err != nil {
			l.debug("router advertisement", err)
			l.router.Unsent(now)
		}
	}
	return lifetime.Earliest(l.router.Next(), l.server.Next(), l.keeper.Next())
}

// plan is the routes to what the peer has.
func (l *line) plan() (netif.Set, State) {
	leases := l.server.Leases()
	s := State{Network: l.network, Address: leases.Address.Prefix, Delegated: leases.Prefix.Prefix}
	set := netif.NewSet()
	for _, p := range []netip.Prefix{s.Network, s.Address, s.Delegated} {
		if p.IsValid() {
			key := netif.RouteKey{To: p, Device: l.cfg.Device}
			set.Routes[key] = netif.Route{Gateway: l.gateway(p)}
		}
	}
	return set, s
}

// gateway is the peer for what lies behind it; what is its own is on the link.
func (l *line) gateway(p netip.Prefix) netip.Addr {
	if p == l.network || p.IsSingleIP() {
		return netip.Addr{}
	}
	return l.cfg.Remote
}

// settle has the kernel follow, and tells.
func (l *line) settle(set netif.Set, s State) {
	l.keeper.Settle(time.Now(), set)
	if l.told && s == l.state {
		return
	}
	l.log(s)
	l.state, l.told = s, true
	if l.cfg.Notify != nil {
		l.cfg.Notify(s)
	}
}

// log says what the peer has.
func (l *line) log(s State) {
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
			l.once(slog.LevelInfo, fmt.Sprintf("%s %v", c.what, c.is))
		case l.told:
			l.once(slog.LevelInfo, fmt.Sprintf("%s %v has ended", c.what, c.had))
		}
	}
}

// once logs a line; again only at level debug: how often, a client decides.
func (l *line) once(level slog.Level, text string) {
	if l.logged[text] {
		level = slog.LevelDebug
	}
	l.logged[text] = true
	l.cfg.Log.Log(context.Background(), level, l.cfg.Device+": "+text)
}

func (l *line) debug(what string, err error) {
	if err != nil {
		l.cfg.Log.Debug(fmt.Sprintf("%s: %s: %v", l.cfg.Device, what, err))
	}
}
