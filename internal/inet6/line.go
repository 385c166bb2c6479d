package inet6

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"upppoe/internal/inet6/dhcp6"
	"upppoe/internal/inet6/learned"
	"upppoe/internal/inet6/netif"
	"upppoe/internal/inet6/radv"
)

// ports are where a line acts on the world. An error is told and outlived: what was lost
// is sent again, what could not be set is tried again.
type ports interface {
	Solicit(radv.Message) error
	Ask(data []byte) error
	Advertise(lan string, m radv.Message) error
	Renewed(lan string) bool
	Apply(now time.Time, want netif.Set) error
	Verify() error
}

// awaitRouter is how long DHCPv6 waits for a router, which may ask for more of it. It is
// as long as a host may wait anyway (RFC 8415 section 18.2.1).
const awaitRouter = time.Second

// line is one line's IPv6. One goroutine uses it.
type line struct {
	cfg    *Config
	ports  ports
	host   *radv.Host
	client *dhcp6.Client
	lans   []*lan
	rand   *rand.Rand
	start  time.Time // when DHCPv6 waits no more
	keeper *netif.Keeper
	state  State
	told   bool
	routed bool // adviseDefaultRoute has said what there is to say
}

func newLine(cfg *Config, p ports, r *rand.Rand) *line {
	now := time.Now()
	return &line{
		cfg: cfg, ports: p, lans: cfg.lans(), rand: r, start: now.Add(awaitRouter),
		keeper: netif.NewKeeper(cfg.Device, p.Apply, cfg.Log),
		host:   radv.NewHost(now, &radv.HostConfig{Local: cfg.Local, Rand: r}),
		client: dhcp6.NewClient(&dhcp6.ClientConfig{
			DUID: cfg.DUID, IAID: cfg.iaid(), AddressHint: cfg.AddressHint, PrefixHint: cfg.prefixHint(), Rand: r,
		}),
	}
}

func (l *line) run(ctx context.Context, in inputs) error {
	timer := time.NewTimer(time.Hour) // set below
	defer timer.Stop()
	defer func() { l.settle(netif.NewSet(), State{}) }()
	defer func() { l.resign(time.Now()) }()
	for {
		l.step(time.Now())
		timer.Reset(l.sleep(time.Now()))
		select {
		case <-ctx.Done():
			l.release(context.Cause(ctx), in)
			return nil
		case err := <-in.failures:
			return err
		case p := <-in.advertisements:
			l.debug("router advertisement", l.host.Receive(time.Now(), p))
		case d := <-in.replies:
			l.debug("DHCPv6 message", l.client.Receive(time.Now(), d.Data))
		case s := <-in.solicitations:
			l.solicited(time.Now(), s)
		case <-in.changes:
			l.debug("addresses and routes", l.ports.Verify())
			l.greet(time.Now())
		case <-timer.C:
		}
	}
}

// step does what is due.
func (l *line) step(now time.Time) {
	for m := l.host.Advance(now); m.Data != nil; m = l.host.Advance(now) {
		if err := l.ports.Solicit(m); err != nil {
			l.debug("router solicitation", err)
			l.host.Unsent(now)
		}
	}
	view := l.host.View()
	l.askServers(now, &view)
	l.sendDHCP(now)
	lease := l.client.Lease()
	if l.cfg.NoDHCP {
		lease.State = ""
	}
	l.adviseDefaultRoute(now, &view, &lease)
	l.settle(l.cfg.plan(&view, &lease))
	l.advertise(now)
}

// adviseDefaultRoute says once that what DHCPv6 has leased is of no use without a default route,
// where one was wanted and no router advertises itself.
func (l *line) adviseDefaultRoute(now time.Time, view *radv.View, lease *dhcp6.Lease) {
	leased := len(lease.Addresses)+len(lease.Prefixes) > 0
	if l.routed || !l.cfg.DefaultRoute || l.cfg.WithoutRouter || !leased || len(view.Routers) > 0 || now.Before(l.start) {
		return
	}
	l.routed = true
	l.cfg.Log.Info(l.cfg.Device + ": no router advertises itself, so IPv6 has no default route (option defaultroute6 sets one all the same)")
}

// askServers starts DHCPv6 when it is clear what to ask for.
func (l *line) askServers(now time.Time, view *radv.View) {
	if l.cfg.NoDHCP || !view.Heard && now.Before(l.start) {
		return
	}
	wish := dhcp6.Wish{Address: l.cfg.RequestAddress || view.Managed, Prefix: l.cfg.RequestPrefix}
	if wish != (dhcp6.Wish{}) || view.Other {
		l.client.Want(now, wish)
	}
}

func (l *line) sendDHCP(now time.Time) {
	for m := l.client.Advance(now); m != nil; m = l.client.Advance(now) {
		l.debug("DHCPv6 message", l.ports.Ask(m))
	}
}

// settle has the kernel follow, and tells.
func (l *line) settle(set netif.Set, s State) {
	l.keeper.Settle(time.Now(), set)
	same := l.told && s.sameButLifetimes(l.state)
	l.state, l.told = s, true
	if !same && l.cfg.Notify != nil {
		l.cfg.Notify(s)
	}
}

// sleep is how long there is nothing to do.
func (l *line) sleep(now time.Time) time.Duration {
	next := learned.Earliest(l.host.Next(), l.client.Next(), l.keeper.Next())
	if l.start.After(now) {
		next = learned.Earliest(next, l.start)
	}
	for _, n := range l.lans {
		if n.router != nil {
			next = learned.Earliest(next, n.router.Next())
		}
	}
	return learned.Left(now, next)
}

// release gives leases back; their addresses must not be used any more then (RFC 8415
// section 18.2.7).
func (l *line) release(cause error, in inputs) {
	if l.cfg.NoRelease || errors.Is(cause, ErrLinkGone) {
		return
	}
	l.client.Release(time.Now())
	l.settle(netif.NewSet(), State{})
	end := time.NewTimer(releaseWait)
	defer end.Stop()
	for {
		l.sendDHCP(time.Now())
		if l.client.Done() {
			return
		}
		again := time.NewTimer(learned.Left(time.Now(), l.client.Next()))
		select {
		case d := <-in.replies:
			l.debug("DHCPv6 message", l.client.Receive(time.Now(), d.Data))
		case <-again.C:
		case <-in.failures:
			return
		case <-end.C:
			l.cfg.Log.Info(l.cfg.Device + ": no DHCPv6 server has heard that its leases are given back")
			return
		}
		again.Stop()
	}
}

func (l *line) debug(what string, err error) {
	if err != nil {
		l.cfg.Log.Debug(fmt.Sprintf("%s: %s: %v", l.cfg.Device, what, err))
	}
}
