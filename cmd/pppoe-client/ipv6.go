package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"path/filepath"

	"upppoe/internal/hostnet"
	"upppoe/internal/inet6"
	"upppoe/internal/inet6/dhcp6"
	"upppoe/internal/inet6/runner"
	"upppoe/internal/pppd"
	"upppoe/pppoe"
)

// ipv6 keeps what IPv6 has beyond its link-local addresses: those that routers and
// DHCPv6 give, as long as IPv6CP is open.
type ipv6 struct {
	settings *pppd.Settings
	host     *hostnet.Host
	duid     dhcp6.DUID
	log      *slog.Logger
	changed  func(pppoe.Line, inet6.State)
	runner   *runner.Runner[theLine]

	memory, advertised string // see inet6.Config

	online bool // what runs is a session's; only notify uses it
}

// theLine is the key of the only line.
type theLine struct{}

// newIPv6 makes what is not yet running; nil: nobody wants it.
func newIPv6(s *pppd.Settings, host *hostnet.Host, log *slog.Logger, changed func(pppoe.Line, inet6.State)) *ipv6 {
	if !s.BeyondLinkLocal() {
		return nil
	}
	v := &ipv6{settings: s, host: host, log: log, changed: changed, runner: runner.New[theLine](s.Namespace, log)}
	if s.NoDHCPv6 {
		return v
	}
	var err error
	if v.duid, err = dhcp6.LoadDUID(filepath.Join(s.StateDir, "duid"), rand.Reader); err != nil {
		log.Debug("DHCPv6 servers will not know this machine again: " + err.Error())
		v.duid, _ = dhcp6.NewDUID(rand.Reader)
	}
	return v
}

// notify is told what happens to the line.
func (v *ipv6) notify(l pppoe.Line, event pppoe.Event) {
	if v == nil {
		return
	}
	runner.Follow(event, func(a pppoe.Addressing) {
		if !v.host.OthersSet(l) {
			v.start(l, a.IPv6.Local.LinkLocal())
		}
	}, v.stop)
}

func (v *ipv6) start(l pppoe.Line, local netip.Addr) {
	cfg := v.config(l, local)
	v.online = true
	v.runner.Begin(theLine{}, func(ctx context.Context) (err error) {
		defer v.changed(l, inet6.State{})
		if cfg.Table, err = v.host.RoutingTable(); err != nil {
			return err
		}
		return inet6.Run(ctx, cfg)
	})
}

// wait is for when there is no session yet: hosts on LANs are told which prefixes of an earlier
// one are stale.
func (v *ipv6) wait() {
	if v != nil {
		v.runner.Begin(theLine{}, v.advertiseStale)
	}
}

func (v *ipv6) advertiseStale(ctx context.Context) error {
	if !v.settings.AdvertiseLANs {
		return nil
	}
	return inet6.AdvertiseStale(ctx, v.config(pppoe.Line{}, netip.Addr{}))
}

// stop has end what runs for a session.
func (v *ipv6) stop() {
	if v.online {
		v.online = false
		v.wait()
	}
}

// release gives back what servers have leased, while the session can still carry that,
// and waits until they have heard it. Nothing begins after it.
func (v *ipv6) release() {
	if v != nil {
		v.runner.Close(context.Canceled)
	}
}

func (v *ipv6) config(l pppoe.Line, local netip.Addr) inet6.Config {
	s := v.settings
	c := inet6.Config{
		Device: l.Device, Local: local, Rules: v.host.Rules, Log: v.log,
		DefaultRoute: s.DefaultRoute && !s.NoDefaultRoute6, WithoutRouter: s.DefaultRoute6,
		RequestAddress: s.DHCPv6Address, RequestPrefix: s.DHCPv6Prefix, PrefixLength: s.DHCPv6PrefixLength,
		NoDHCP: s.NoDHCPv6, DUID: v.duid, Memory: v.memory, Advertised: v.advertised, NoAutoconf: s.NoAutoconf,
		Services: dhcp6.Request{AFTR: s.DHCPv6AFTR, NTP: s.DHCPv6NTP, S46: s.DHCPv6S46},
		Notify:   func(is inet6.State) { v.changed(l, is) },
	}
	if s.RouteMetric6 != nil {
		c.Metric = *s.RouteMetric6
	}
	for i, name := range s.LANs {
		c.LANs = append(c.LANs, inet6.LAN{Interface: name, Subnet: uint64(i), Advertise: s.AdvertiseLANs})
	}
	return c
}
