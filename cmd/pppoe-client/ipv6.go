package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"path/filepath"

	"upppoe/internal/config/pppd"
	"upppoe/internal/host/netconfig"
	"upppoe/internal/ipv6"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/runner"
	"upppoe/pppoe"
)

// ipv6Service maintains addresses, prefixes and routes from router advertisements and DHCPv6 while
// IPv6CP is open.
type ipv6Service struct {
	settings *pppd.Settings
	host     *netconfig.Configurer
	duid     dhcp6.DUID
	log      *slog.Logger
	changed  func(pppoe.SessionInfo, ipv6.State)
	runner   *runner.Runner[onlySession]

	memory, advertised string // see ipv6.Config

	online bool // the runner works for a session; used by notify only
}

// onlySession is the runner's key: a client has one session.
type onlySession struct{}

// newIPv6 returns a service that is not yet running; nil if the settings want link-local addresses only.
func newIPv6(s *pppd.Settings, host *netconfig.Configurer, log *slog.Logger, changed func(pppoe.SessionInfo, ipv6.State)) *ipv6Service {
	if !s.GlobalIPv6() {
		return nil
	}
	v := &ipv6Service{settings: s, host: host, log: log, changed: changed, runner: runner.New[onlySession](s.Namespace, log)}
	if s.NoDHCPv6 {
		return v
	}
	var err error
	if v.duid, err = dhcp6.LoadDUID(filepath.Join(s.StateDir, "duid"), rand.Reader); err != nil {
		log.Debug("the DHCPv6 DUID is not stored, so servers will not recognise this client after a restart: " + err.Error())
		v.duid, _ = dhcp6.NewDUID(rand.Reader)
	}
	return v
}

// notify handles the client's events.
func (v *ipv6Service) notify(l pppoe.SessionInfo, event pppoe.Event) {
	if v == nil {
		return
	}
	runner.HandleEvent(event, func(a pppoe.Addressing) {
		if !v.host.Unmanaged(l) {
			v.start(l, a.IPv6.Local.LinkLocal())
		}
	}, v.stop)
}

func (v *ipv6Service) start(l pppoe.SessionInfo, local netip.Addr) {
	cfg := v.config(l, local)
	v.online = true
	v.runner.Start(onlySession{}, func(ctx context.Context) (err error) {
		defer v.changed(l, ipv6.State{})
		if cfg.Table, err = v.host.RoutingTable(); err != nil {
			return err
		}
		return ipv6.Run(ctx, cfg)
	})
}

// wait begins the time without a session: hosts on LANs are informed which prefixes of an earlier
// session are stale.
func (v *ipv6Service) wait() {
	if v != nil {
		v.runner.Start(onlySession{}, v.advertiseStale)
	}
}

func (v *ipv6Service) advertiseStale(ctx context.Context) error {
	if !v.settings.AdvertiseLANs {
		return nil
	}
	return ipv6.AdvertiseStale(ctx, v.config(pppoe.SessionInfo{}, netip.Addr{}))
}

// stop ends what runs for a session.
func (v *ipv6Service) stop() {
	if v.online {
		v.online = false
		v.wait()
	}
}

// release releases leases while the session is still up, and waits for that. Nothing begins after it.
func (v *ipv6Service) release() {
	if v != nil {
		v.runner.Close(context.Canceled)
	}
}

func (v *ipv6Service) config(l pppoe.SessionInfo, local netip.Addr) ipv6.Config {
	s := v.settings
	c := ipv6.Config{
		Device: l.Device, Local: local, Rules: v.host.PolicyRules, Log: v.log,
		DefaultRoute: s.DefaultRoute && !s.NoDefaultRoute6, DeviceDefaultRoute: s.DefaultRoute6,
		RequestAddress: s.DHCPv6Address, RequestPrefix: s.DHCPv6Prefix, PrefixLength: s.DHCPv6PrefixLength,
		NoDHCP: s.NoDHCPv6, DUID: v.duid, UndoFile: v.memory, PrefixFile: v.advertised, NoAutoconf: s.NoAutoconf,
		OptionRequest: dhcp6.OptionRequest{AFTR: s.DHCPv6AFTR, NTP: s.DHCPv6NTP, S46: s.DHCPv6S46},
		Notify:        func(is ipv6.State) { v.changed(l, is) },
	}
	if s.RouteMetric6 != nil {
		c.Metric = *s.RouteMetric6
	}
	for i, name := range s.LANs {
		c.LANs = append(c.LANs, ipv6.LAN{Interface: name, Subnet: uint64(i), Advertise: s.AdvertiseLANs})
	}
	return c
}
