package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"

	"github.com/spf13/pflag"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/vrf"
	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/runner"
	"upppoe/internal/ipv6/server"
	"upppoe/internal/state"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// ipv6Flags are the unparsed values of the IPv6 flags.
type ipv6Flags struct {
	networks, addresses, prefixes string
	servers                       []string
}

func (f *ipv6Flags) add(set *pflag.FlagSet) {
	set.StringVar(&f.networks, "ipv6-networks", "", "advertise a /64 of this prefix to each session, like 2001:db8:1::/48")
	set.StringVar(&f.addresses, "ipv6-addresses", "", "lease an address of this prefix to each session by DHCPv6")
	set.StringVar(&f.prefixes, "ipv6-prefixes", "", "delegate a prefix of `PREFIX,LENGTH` to each session by DHCPv6, like 2001:db8:100::/40,56")
	set.StringArrayVar(&f.servers, "ipv6-dns", nil, "IPv6 address of a name server for clients; may be repeated")
}

// wanted reports whether a flag names a pool.
func (f *ipv6Flags) wanted() bool { return f.networks != "" || f.addresses != "" || f.prefixes != "" }

// ipv6Pools are what IPv6 addresses and prefixes of sessions are allocated from.
type ipv6Pools struct {
	sets    map[string]assign.Set // by name; empty: the default
	servers []netip.Addr
}

// poolsOf makes the pools of a configuration that has been checked.
func poolsOf(v *serverconfig.IPv6) ipv6Pools { return ipv6Pools{v.Sets(), v.DNS} }

// assignConfig returns what sessions are assigned.
func (p *ipv6Pools) assignConfig(duid dhcp6.DUID) assign.Config {
	usual := p.sets[""]
	return assign.Config{Networks: usual.Networks, Addresses: usual.Addresses, Prefixes: usual.Prefixes, Named: p.sets, DUID: duid, NameServers: p.servers}
}

// ipv6Choice returns the pools that the policy of a session names. The log says if there is none of a name.
func ipv6Choice(l pppoe.SessionInfo, e pppoe.Event, cfg *assign.Config, log *slog.Logger) (by assign.Choice, set assign.Set) {
	if p := policyOf(e); p != nil {
		by = assign.Choice{IPv6: p.IPv6Pool, Delegated: p.DelegatedPool}
	}
	set, err := cfg.Choose(by)
	if err != nil {
		log.Warn(fmt.Sprintf("user %q, session %d of %v: %v", wire.EscapeName(l.User), l.SessionID, l.Peer, err))
	}
	return by, set
}

// ipv6Service runs router advertisements and DHCPv6 for sessions whose IPv6CP is open.
type ipv6Service struct {
	hasPools bool
	pools    ipv6Pools
	duid     dhcp6.DUID
	log      *slog.Logger
	runner   *runner.Runner[pppoe.SessionKey]
	// setSourcePrefixes allows a session's peer the source addresses that it was assigned, with
	// source-check.
	setSourcePrefixes func(session pppoe.SessionKey, prefixes []netip.Prefix)
	state             *sessionState

	mu       sync.Mutex // held to call setSourcePrefixes, and to end its callers
	sessions map[pppoe.SessionKey]*ipv6Session
}

// ipv6Session is a session that is served.
type ipv6Session struct {
	serve func(ctx context.Context, restored []byte) error
	kept  []byte // what a successor needs
}

// newIPv6 returns a service without sessions; nil if there are no pools.
func newIPv6(c *serverconfig.Config, sessions *sessionState, log *slog.Logger) *ipv6Service {
	pools := len(c.IPv6.Prefixes()) > 0
	if !pools && len(c.RADIUS.Servers) == 0 {
		return nil
	}
	return &ipv6Service{
		hasPools: pools, pools: poolsOf(&c.IPv6), duid: loadDUID(c, log), log: log, state: sessions,
		runner: runner.New[pppoe.SessionKey]("", log), sessions: make(map[pppoe.SessionKey]*ipv6Session),
	}
}

// loadDUID returns the server's DUID, which is stored; nil without DHCPv6.
func loadDUID(c *serverconfig.Config, log *slog.Logger) dhcp6.DUID {
	if !c.IPv6.NeedsDHCP() && len(c.RADIUS.Servers) == 0 {
		return nil
	}
	duid, err := dhcp6.LoadDUID(c.IPv6.DUIDFile, rand.Reader)
	if err != nil {
		log.Warn("the DHCPv6 DUID is not stored, so clients will not recognise this server after a restart: " + err.Error())
		duid, _ = dhcp6.NewDUID(rand.Reader)
	}
	return duid
}

// notify handles events of sessions.
func (v *ipv6Service) notify(l pppoe.SessionInfo, event pppoe.Event) {
	if v == nil {
		return
	}
	stop := func() { v.stop(l.Key()) }
	runner.HandleEvent(event, func(a pppoe.Addressing) { stop(); v.start(l, a, event) }, stop)
}

// start serves a session that an event reports to be configured, unless there is nothing to announce.
func (v *ipv6Service) start(l pppoe.SessionInfo, a pppoe.Addressing, event pppoe.Event) {
	fixed := fixedIPv6(event)
	if fixed == nil && !v.hasPools {
		return
	}
	if fixed == nil {
		fixed = &assign.State{}
	}
	cfg := v.pools.assignConfig(v.duid)
	if p := policyOf(event); p != nil && len(p.IPv6DNS) > 0 {
		cfg.NameServers = p.IPv6DNS
	}
	_, set := ipv6Choice(l, event, &cfg, v.log)
	cfg.Networks, cfg.Addresses, cfg.Prefixes = set.Networks, set.Addresses, set.Prefixes
	v.run(l.Key(), v.state.part(l.Generation, state.IPv6), func(ctx context.Context, restored []byte) error {
		table, err := vrf.Table(a.VRF)
		if err != nil {
			return err
		}
		return server.Run(ctx, server.Config{
			Device: l.Device, Table: table, Remote: a.IPv6.Remote.LinkLocal(), Key: subscriber(l), MTU: a.MTU, Log: v.log,
			Config: cfg, Fixed: *fixed,
			Notify:   func(s assign.State) { v.assigned(ctx, l.Key(), s) },
			Restored: restored, Keep: func(kept []byte) { v.keep(ctx, l.Key(), kept) },
		})
	})
}

// subscriber identifies who gets the same prefixes again.
func subscriber(l pppoe.SessionInfo) string {
	if l.User != "" {
		return l.User
	}
	return l.Peer.String()
}

// assigned handles a change of what a session's peer was assigned. It ignores a session that has ended.
func (v *ipv6Service) assigned(ctx context.Context, session pppoe.SessionKey, s assign.State) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ctx.Err() == nil {
		v.setSourcePrefixes(session, []netip.Prefix{s.Network, s.Address, s.Delegated})
	}
}

func (v *ipv6Service) stop(session pppoe.SessionKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sessions, session)
	if v.runner.Stop(session, server.ErrLinkGone) { // not if Run has already ended
		v.setSourcePrefixes(session, nil)
	}
}

// wait waits until all sessions' runners have ended.
func (v *ipv6Service) wait() {
	if v != nil {
		v.runner.Wait()
	}
}

// policyOf returns the policy of a session that is configured or adopted; nil: of another event.
func policyOf(e pppoe.Event) *pppoe.SessionPolicy {
	switch e := e.(type) {
	case pppoe.Configured:
		return e.Policy
	case pppoe.Adopted:
		return e.Policy
	}
	return nil
}

// fixedIPv6 returns what the policy of a session that is configured assigns instead of prefixes of the
// pools; nil: nothing.
func fixedIPv6(e pppoe.Event) *assign.State {
	p := policyOf(e)
	if p == nil {
		return nil
	}
	fixed := assign.State{Network: p.IPv6Prefix, Delegated: p.DelegatedPrefix}
	if a := p.IPv6Address; a.IsValid() {
		fixed.Address = netip.PrefixFrom(a, a.BitLen())
	}
	if fixed == (assign.State{}) {
		return nil
	}
	return &fixed
}
