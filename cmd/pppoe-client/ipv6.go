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
	memory   string // see inet6.Config.Memory
	changed  func(pppoe.Line, inet6.State)

	mu   sync.Mutex
	end  context.CancelCauseFunc // nil: nothing runs
	done chan struct{}           // closed when it has ended
}

// newIPv6 makes what is not yet running; nil: nobody wants it.
func newIPv6(s *pppd.Settings, host *hostnet.Host, log *slog.Logger, changed func(pppoe.Line, inet6.State)) *ipv6 {
	if s.NoIPv6 || s.NoAutoconf {
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
			v.stop(inet6.ErrLinkGone)
			v.start(l, e.IPv6.Local.LinkLocal())
		}
	case pppoe.NetworkLost:
		if e.Protocol == ppp.IPv6CP {
			v.stop(inet6.ErrLinkGone)
		}
	}
}

func (v *ipv6) start(l pppoe.Line, local netip.Addr) {
	ctx, end := context.WithCancelCause(context.Background())
	cfg := v.config(l, local)
	v.mu.Lock()
	defer v.mu.Unlock()
	before, done := v.done, make(chan struct{})
	v.end, v.done = end, done
	// Ends with stop.
	go func() {
		defer close(done)
		if before != nil {
			<-before
		}
		err := hostnet.Inside(v.settings.Namespace, func() (err error) {
			if cfg.Table, err = v.host.RoutingTable(); err != nil {
				return err
			}
			return inet6.Run(ctx, cfg)
		})
		if err != nil {
			v.log.Warn(err.Error())
		}
		v.changed(l, inet6.State{})
	}()
}

// stop has it end, and does not wait for that.
func (v *ipv6) stop(why error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.end != nil {
		v.end(why)
		v.end = nil
	}
}

// release gives back what servers have leased, while the session can still carry that,
// and waits until they have heard it.
func (v *ipv6) release() {
	if v == nil {
		return
	}
	v.stop(context.Canceled)
	v.mu.Lock()
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
		NoDHCP: s.NoDHCPv6, DUID: v.duid, Memory: v.memory,
		Notify: func(is inet6.State) { v.changed(l, is) },
	}
	if s.RouteMetric6 != nil {
		c.Metric = *s.RouteMetric6
	}
	for i, name := range s.LANs {
		c.LANs = append(c.LANs, inet6.LAN{Interface: name, Subnet: uint64(i), Advertise: s.AdvertiseLANs})
	}
	return c
}
