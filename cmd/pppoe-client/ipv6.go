package main

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"

	"upppoe/internal/hostnet"
	"upppoe/internal/inet6"
	"upppoe/internal/inet6/dhcp6"
	"upppoe/internal/pppd"
	"upppoe/ppp"
	"upppoe/pppoe"
)

// ipv6 keeps what IPv6 has beyond its link-local addresses: those that routers and
// DHCPv6 give, as long as IPv6CP is open.
type ipv6 struct {
	settings *pppd.Settings
	host     *hostnet.Host
	log      *slog.Logger
	duid     dhcp6.DUID
	changed  func(pppoe.Line, inet6.State)

	memory, advertised string // see inet6.Config

	mu     sync.Mutex
	online bool                    // what runs is a session's
	over   bool                    // nothing begins any more
	end    context.CancelCauseFunc // nil: nothing runs
	done   chan struct{}           // closed when it has ended
}

// newIPv6 makes what is not yet running; nil: nobody wants it.
func newIPv6(s *pppd.Settings, host *hostnet.Host, log *slog.Logger, changed func(pppoe.Line, inet6.State)) *ipv6 {
	if !s.BeyondLinkLocal() {
		return nil
	}
	v := &ipv6{settings: s, host: host, log: log, changed: changed}
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
	switch e := event.(type) {
	case pppoe.Configured:
		if e.HasIPv6() && e.IPv6 != e.Before.IPv6 && !v.host.OthersSet(l) {
			v.stop()
			v.start(l, e.IPv6.Local.LinkLocal())
		}
	case pppoe.NetworkLost:
		if e.Protocol == ppp.IPv6CP {
			v.stop()
		}
	}
}

func (v *ipv6) start(l pppoe.Line, local netip.Addr) {
	cfg := v.config(l, local)
	v.begin(true, func(ctx context.Context) (err error) {
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
		v.begin(false, v.advertiseStale)
	}
}

func (v *ipv6) advertiseStale(ctx context.Context) error {
	if !v.settings.AdvertiseLANs {
		return nil
	}
	return inet6.AdvertiseStale(ctx, v.config(pppoe.Line{}, netip.Addr{}))
}

// begin ends what runs, and runs something else once it has ended, in the line's namespace.
func (v *ipv6) begin(online bool, run func(context.Context) error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.halt(inet6.ErrLinkGone)
	if v.over {
		return
	}
	ctx, end := context.WithCancelCause(context.Background())
	before, done := v.done, make(chan struct{})
	v.end, v.done, v.online = end, done, online
	// Ends with halt.
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		if err := hostnet.Inside(v.settings.Namespace, func() error { return run(ctx) }); err != nil {
			v.log.Warn(err.Error())
		}
	}()
}

// halt has end what runs, and does not wait for that. It is called with mu held.
func (v *ipv6) halt(why error) {
	if v.end != nil {
		v.end(why)
		v.end = nil
	}
}

// stop has end what runs for a session.
func (v *ipv6) stop() {
	v.mu.Lock()
	online := v.online
	v.mu.Unlock()
	if online {
		v.begin(false, v.advertiseStale)
	}
}

// release gives back what servers have leased, while the session can still carry that,
// and waits until they have heard it. Nothing begins after it.
func (v *ipv6) release() {
	if v == nil {
		return
	}
	v.mu.Lock()
	v.over = true
	v.halt(context.Canceled)
	done := v.done
	v.mu.Unlock()
	if done != nil {
		<-done
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
