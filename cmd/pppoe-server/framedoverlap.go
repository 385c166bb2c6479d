package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"upppoe/internal/config/serverconfig"
	"upppoe/internal/ratelimit"
	"upppoe/pppoe"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/wire"
)

// framedOverlaps warns of framed routes that overlap with a pool, or have an address of the server. A packet goes to
// the session that has the longest prefix, as in any routing table: such a route takes nothing from the addresses that
// other sessions have, but it is hardly meant. Accounts in files whose routes overlap are warned of where these are read,
// and those of two sessions by sessionOverlaps.
type framedOverlaps struct {
	log     *slog.Logger
	limiter *ratelimit.Limiter
	others  *sessionOverlaps
	current atomic.Pointer[takenPrefixes]
}

// takenPrefixes are those of a configuration.
type takenPrefixes struct {
	all      []takenPrefix
	excluded []netip.Prefix // from pools of IPv6
}

// takenPrefix is one that framed routes should not overlap with.
type takenPrefix struct {
	what   string
	prefix netip.Prefix
	effect string
}

const (
	effectOfPool   = "packets to addresses that no session has go to this client: give the user a prefix outside of the pools"
	effectOfServer = "packets to that stay at the server: give the user a prefix without it"
)

// maxOverlapWarnings is how many warnings there are in a minute.
const maxOverlapWarnings = 10

func newFramedOverlaps(c *serverconfig.Config, log *slog.Logger) *framedOverlaps {
	o := &framedOverlaps{log: log, limiter: ratelimit.New(maxOverlapWarnings, time.Minute)}
	o.others = newSessionOverlaps(log, o.limiter)
	o.use(c)
	return o
}

// use sets the configuration of sessions that begin from now on.
func (o *framedOverlaps) use(c *serverconfig.Config) {
	taken := &takenPrefixes{excluded: slices.Clone(c.IPv6.Exclude)}
	add := func(what, effect string, prefixes ...netip.Prefix) {
		for _, p := range prefixes {
			taken.all = append(taken.all, takenPrefix{what, p, effect})
		}
	}
	for _, own := range []netip.Addr{c.IPv4.Local, c.IPv6.Local} {
		if own.IsValid() && !own.IsUnspecified() {
			add(fmt.Sprintf("the server's address %v", own), effectOfServer, netip.PrefixFrom(own, own.BitLen()))
		}
	}
	add(fmt.Sprintf("pool %q", pppoe.FirstPool), effectOfPool, linux.PoolPrefixes(poolOf(c))...)
	for _, pool := range c.Pools {
		add(fmt.Sprintf("pool %q", pool.Name), effectOfPool, linux.AddressPoolPrefixes([]pppoe.AddressPool{pool})...)
	}
	for _, p := range c.IPv6.Prefixes() {
		add(fmt.Sprintf("the IPv6 pool %v", p), effectOfPool, p)
	}
	for _, p := range c.IPv6.Pools {
		taken.excluded = append(taken.excluded, p.Exclude...)
	}
	o.current.Store(taken)
}

// notify handles events of sessions.
func (o *framedOverlaps) notify(l pppoe.SessionInfo, e pppoe.Event) {
	o.others.notify(l, e)
	switch e := e.(type) {
	case pppoe.Configured:
		if !e.Previous.HasIPv4() && !e.Previous.HasIPv6() {
			o.check(l, e.Policy)
		}
	case pppoe.PolicyChanged:
		o.check(l, e.Policy)
	}
}

// check warns of the framed routes of a session. Those of a VRF are in another routing table.
func (o *framedOverlaps) check(l pppoe.SessionInfo, policy *pppoe.SessionPolicy) {
	if policy.VRF != "" {
		return
	}
	taken := o.current.Load()
	for _, route := range policy.FramedRoutes {
		for _, t := range taken.overlaps(route) {
			if ok, _ := o.limiter.Allow(time.Now()); ok {
				o.log.Warn(fmt.Sprintf("user %q, session %d of %v: the framed route %v overlaps with %s: %s",
					wire.EscapeName(l.User), l.SessionID, l.Peer, route, t.what, t.effect))
			}
		}
	}
}

// overlaps returns what a route overlaps with, each once.
func (t *takenPrefixes) overlaps(route netip.Prefix) (found []takenPrefix) {
	if slices.ContainsFunc(t.excluded, func(x netip.Prefix) bool { return x.Bits() <= route.Bits() && x.Overlaps(route) }) {
		return nil
	}
	for _, one := range t.all {
		if one.prefix.Overlaps(route) && !slices.ContainsFunc(found, func(f takenPrefix) bool { return f.what == one.what }) {
			found = append(found, one)
		}
	}
	return found
}
