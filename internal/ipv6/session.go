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

// network are where a line acts on the world. An error is told and outlived: what was lost
// is sent again, what could not be set is tried again.
type network interface {
	Solicit(radv.Message) error
	SendDHCP(data []byte) error
	lanNetwork
	Apply(now time.Time, want netif.Config) error
	Verify() error
}

// routerTimeout is how long DHCPv6 waits for a router, which may ask for more of it. It is
// as long as a host may wait anyway (RFC 8415 section 18.2.1).
const routerTimeout = time.Second

// session is one line's IPv6. One goroutine uses it.
type session struct {
	cfg          *Config
	network      network
	host         *radv.Host
	client       *dhcp6.Client
	lans         *lanRouter
	dhcpStart    time.Time // when DHCPv6 waits no more
	reconciler   *netif.Reconciler
	state        State
	notified     bool
	routeAdvised bool // logMissingDefaultRoute has said what there is to say
	leaseLog     *leaseLog
}

func newSession(cfg *Config, p network, r *rand.Rand) *session {
	now := time.Now()
	l := &session{
		cfg: cfg, network: p, dhcpStart: now.Add(routerTimeout),
		reconciler: netif.NewReconciler(cfg.Device, p.Apply, cfg.Log), leaseLog: newLeaseLog(cfg.Device, cfg.Log),
		host: radv.NewHost(now, &radv.HostConfig{Local: cfg.Local, Rand: r}),
		client: dhcp6.NewClient(&dhcp6.ClientConfig{
			DUID: cfg.DUID, IAID: cfg.iaid(), AddressHint: cfg.AddressHint, PrefixHint: cfg.prefixHint(),
			OptionRequest: cfg.OptionRequest, Rand: r,
		}),
	}
	l.lans = newLANRouter(now, cfg, p, r, l.debug)
	return l
}

func (l *session) run(ctx context.Context, in netif.Inputs) error {
	defer func() { l.reconcile(netif.NewConfig(), State{}) }()
	defer func() { l.lans.shutdown(time.Now()) }()
	err := in.Run(ctx, l)
	if err == nil {
		l.release(context.Cause(ctx), in)
	}
	return err
}

// ReceivePacket takes a router's advertisement on the device, or a host's solicitation on a LAN.
func (l *session) ReceivePacket(now time.Time, p netif.Packet) {
	if p.Interface == l.cfg.Device {
		l.debug("router advertisement", l.host.Receive(now, p.Packet))
	} else {
		l.lans.handleSolicitation(now, p)
	}
}

// ReceiveDatagram takes a server's message.
func (l *session) ReceiveDatagram(now time.Time, d netif.Datagram) {
	l.debug("DHCPv6 message", l.client.Receive(now, d.Data))
}

// Changed sets again what has gone, and greets LANs that are new.
func (l *session) Changed(now time.Time) {
	l.debug("addresses and routes", l.network.Verify())
	l.lans.restartReplaced(now)
}

// Step does what is due.
func (l *session) Step(now time.Time) (next time.Time) {
	for m := l.host.Advance(now); m.Data != nil; m = l.host.Advance(now) {
		if err := l.network.Solicit(m); err != nil {
			l.debug("router solicitation", err)
			l.host.SendFailed(now)
		}
	}
	view := l.host.State()
	l.startDHCP(now, &view)
	l.sendDHCP(now)
	lease := l.client.Configuration()
	if l.cfg.NoDHCP {
		lease.State = ""
	}
	l.logMissingDefaultRoute(now, &view, &lease)
	set, state := l.cfg.desired(&view, &lease)
	l.leaseLog.rejected(now, l.client.Rejections())
	l.leaseLog.unanswered(now, l.client.Unanswered())
	l.reconcile(set, state)
	l.lans.update(now, &l.state)
	return l.next(now)
}

// logMissingDefaultRoute says once that what DHCPv6 has leased is of no use without a default route,
// where one was wanted and no router advertises itself.
func (l *session) logMissingDefaultRoute(now time.Time, view *radv.HostState, lease *dhcp6.Configuration) {
	leased := len(lease.Addresses)+len(lease.Prefixes) > 0
	if l.routeAdvised || !l.cfg.DefaultRoute || l.cfg.DeviceDefaultRoute || !leased || len(view.Routers) > 0 || now.Before(l.dhcpStart) {
		return
	}
	l.routeAdvised = true
	l.cfg.Log.Info(l.cfg.Device + ": no router advertises itself, so IPv6 has no default route (option defaultroute6 sets one all the same)")
}

// startDHCP starts DHCPv6 when it is clear what to ask for.
func (l *session) startDHCP(now time.Time, view *radv.HostState) {
	if l.cfg.NoDHCP || !view.Received && now.Before(l.dhcpStart) {
		return
	}
	managed := view.Managed && !l.cfg.NoAutoconf
	wish := dhcp6.IARequest{Address: l.cfg.RequestAddress || managed, Prefix: l.cfg.RequestPrefix}
	if wish != (dhcp6.IARequest{}) || view.Other || l.cfg.OptionRequest != (dhcp6.OptionRequest{}) {
		l.client.Request(now, wish)
	}
}

func (l *session) sendDHCP(now time.Time) {
	for m := l.client.Advance(now); m != nil; m = l.client.Advance(now) {
		if err := l.network.SendDHCP(m); err != nil {
			l.debug("DHCPv6 message", err)
			l.client.SendFailed(now)
		}
	}
}

// reconcile has the kernel follow, and tells what is new.
func (l *session) reconcile(set netif.Config, s State) {
	l.reconciler.Reconcile(time.Now(), set)
	l.leaseLog.changed(time.Now(), &l.state, &s, l.client.Configuration().Server)
	same := l.notified && s.sameButLifetimes(l.state)
	l.state, l.notified = s, true
	if !same && l.cfg.Notify != nil {
		l.cfg.Notify(s)
	}
}

// next is when there is something to do again.
func (l *session) next(now time.Time) time.Time {
	next := lifetime.Earliest(l.host.Next(), l.client.Next(), l.reconciler.Next(), l.lans.next())
	if l.dhcpStart.After(now) {
		next = lifetime.Earliest(next, l.dhcpStart)
	}
	return next
}

// release gives leases back; their addresses must not be used any more then (RFC 8415
// section 18.2.7).
func (l *session) release(cause error, in netif.Inputs) {
	if l.cfg.NoRelease || errors.Is(cause, ErrLinkGone) {
		return
	}
	l.client.Release(time.Now())
	l.reconcile(netif.NewConfig(), State{})
	end := time.NewTimer(releaseTimeout)
	defer end.Stop()
	for {
		l.sendDHCP(time.Now())
		if l.client.Done() {
			return
		}
		again := time.NewTimer(lifetime.Remaining(time.Now(), l.client.Next()))
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

func (l *session) debug(what string, err error) {
	if err != nil {
		l.cfg.Log.Debug(fmt.Sprintf("%s: %s: %v", l.cfg.Device, what, err))
	}
}
