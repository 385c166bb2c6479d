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

// ports are where a line acts on the world. An error is told and outlived: what was lost
// is sent again, what could not be set is tried again.
type ports interface {
	Solicit(radv.Message) error
	Ask(data []byte) error
	lanPorts
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
	lans   *lanRouter
	start  time.Time // when DHCPv6 waits no more
	keeper *netif.Keeper
	state  State
	told   bool
	routed bool // adviseDefaultRoute has said what there is to say
	teller *teller
}

func newLine(cfg *Config, p ports, r *rand.Rand) *line {
	now := time.Now()
	l := &line{
		cfg: cfg, ports: p, start: now.Add(awaitRouter),
		keeper: netif.NewKeeper(cfg.Device, p.Apply, cfg.Log), teller: newTeller(cfg.Device, cfg.Log),
		host: radv.NewHost(now, &radv.HostConfig{Local: cfg.Local, Rand: r}),
		client: dhcp6.NewClient(&dhcp6.ClientConfig{
			DUID: cfg.DUID, IAID: cfg.iaid(), AddressHint: cfg.AddressHint, PrefixHint: cfg.prefixHint(),
			Request: cfg.Services, Rand: r,
		}),
	}
	l.lans = newLANRouter(now, cfg, p, r, l.debug)
	return l
}

func (l *line) run(ctx context.Context, in netif.Inputs) error {
	defer func() { l.settle(netif.NewSet(), State{}) }()
	defer func() { l.lans.resign(time.Now()) }()
	err := in.Run(ctx, l)
	if err == nil {
		l.release(context.Cause(ctx), in)
	}
	return err
}

// ReceivePacket takes a router's advertisement on the device, or a host's solicitation on a LAN.
func (l *line) ReceivePacket(now time.Time, p netif.Packet) {
	if p.Interface == l.cfg.Device {
		l.debug("router advertisement", l.host.Receive(now, p.Packet))
	} else {
		l.lans.solicited(now, p)
	}
}

// ReceiveDatagram takes a server's message.
func (l *line) ReceiveDatagram(now time.Time, d netif.Datagram) {
	l.debug("DHCPv6 message", l.client.Receive(now, d.Data))
}

// Changed sets again what has gone, and greets LANs that are new.
func (l *line) Changed(now time.Time) {
	l.debug("addresses and routes", l.ports.Verify())
	l.lans.greet(now)
}

// Step does what is due.
func (l *line) Step(now time.Time) (next time.Time) {
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
	set, state := l.cfg.plan(&view, &lease)
	l.teller.refused(now, l.client.Refusals())
	l.teller.asked(now, l.client.Unanswered())
	l.settle(set, state)
	l.lans.follow(now, &l.state)
	return l.next(now)
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
	managed := view.Managed && !l.cfg.NoAutoconf
	wish := dhcp6.Wish{Address: l.cfg.RequestAddress || managed, Prefix: l.cfg.RequestPrefix}
	if wish != (dhcp6.Wish{}) || view.Other || l.cfg.Services != (dhcp6.Request{}) {
		l.client.Want(now, wish)
	}
}

func (l *line) sendDHCP(now time.Time) {
	for m := l.client.Advance(now); m != nil; m = l.client.Advance(now) {
		if err := l.ports.Ask(m); err != nil {
			l.debug("DHCPv6 message", err)
			l.client.Unsent(now)
		}
	}
}

// settle has the kernel follow, and tells what is new.
func (l *line) settle(set netif.Set, s State) {
	l.keeper.Settle(time.Now(), set)
	l.teller.leases(time.Now(), &l.state, &s, l.client.Lease().Server)
	same := l.told && s.sameButLifetimes(l.state)
	l.state, l.told = s, true
	if !same && l.cfg.Notify != nil {
		l.cfg.Notify(s)
	}
}

// next is when there is something to do again.
func (l *line) next(now time.Time) time.Time {
	next := lifetime.Earliest(l.host.Next(), l.client.Next(), l.keeper.Next(), l.lans.next())
	if l.start.After(now) {
		next = lifetime.Earliest(next, l.start)
	}
	return next
}

// release gives leases back; their addresses must not be used any more then (RFC 8415
// section 18.2.7).
func (l *line) release(cause error, in netif.Inputs) {
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
		again := time.NewTimer(lifetime.Left(time.Now(), l.client.Next()))
		select {
		case d := <-in.Datagrams:
			l.ReceiveDatagram(time.Now(), d)
		case <-again.C:
		case <-in.Failures:
			return
		case <-end.C:
			l.cfg.Log.Info(l.cfg.Device + ": no DHCPv6 Reply to Release: the server may hold the leases until they expire")
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
