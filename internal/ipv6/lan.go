package ipv6

import (
	"math/rand/v2"
	"time"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// lan is an interface on which we are the router.
type lan struct {
	name       string
	advertiser *radv.Advertiser // nil: nothing has been advertised
}

// lanNetwork sends the advertisements of a lanRouter.
type lanNetwork interface {
	Advertise(lan string, m radv.Message) error
	Replaced(lan string) bool
}

// lanRouter is the router of all LANs. One goroutine uses it.
type lanRouter struct {
	network lanNetwork
	lans    []*lan
	rand    *rand.Rand
	debug   func(what string, err error)
	store   *prefixStore
}

// newLANRouter makes the router of those LANs on which we advertise. Prefixes that an earlier
// session or process has advertised there are stale from the start.
func newLANRouter(now time.Time, cfg *Config, p lanNetwork, r *rand.Rand, debug func(string, error)) *lanRouter {
	n := &lanRouter{network: p, rand: r, debug: debug, store: &prefixStore{path: cfg.PrefixFile}}
	for _, l := range cfg.LANs {
		if l.Advertise {
			n.lans = append(n.lans, &lan{name: l.Interface})
		}
	}
	stale, err := n.store.load(now)
	debug("prefixes that were advertised before", err)
	for _, l := range n.lans {
		if list := stale[l.name]; len(list) > 0 && n.ensureAdvertiser(now, l) {
			l.advertiser.Deprecate(now, list)
		}
	}
	return n
}

// ensureAdvertiser makes a LAN's advertiser if there is none, and reports whether there is one.
func (n *lanRouter) ensureAdvertiser(now time.Time, l *lan) bool {
	if l.advertiser == nil {
		router, err := radv.NewAdvertiser(now, &radv.AdvertiserConfig{Rand: n.rand})
		n.debug("router on "+l.name, err)
		l.advertiser = router
	}
	return l.advertiser != nil
}

// lanParameters returns what to advertise on a LAN. We are a default router only while we have a
// default route (RFC 7084 G-4) and advertise a prefix.
func (s *State) lanParameters(name string) radv.Parameters {
	o := radv.Parameters{NameServers: s.NameServers, SearchDomains: s.SearchDomains}
	for _, a := range s.LANs {
		if a.Interface == name {
			o.Prefixes = append(o.Prefixes, radv.AdvertisedPrefix{Prefix: a.Prefix.Masked(), Lifetime: a.Lifetime})
		}
	}
	if len(o.Prefixes) == 0 {
		return radv.Parameters{}
	}
	o.DefaultRouter = s.DefaultRoute.Set || len(s.Routers) > 0
	return o
}

// update advertises the session's present state on all LANs, and sends what is due.
func (n *lanRouter) update(now time.Time, s *State) {
	for _, l := range n.lans {
		o := s.lanParameters(l.name)
		if l.advertiser == nil && len(o.Prefixes) == 0 || !n.ensureAdvertiser(now, l) {
			continue
		}
		l.advertiser.Update(now, o)
	}
	// Saved before it is advertised, so that a crash cannot lose it.
	n.debug("remember the prefixes that are advertised", n.store.save(now, n.lans))
	n.advance(now)
}

// advance sends the advertisements that are due.
func (n *lanRouter) advance(now time.Time) {
	for _, l := range n.lans {
		if l.advertiser == nil {
			continue
		}
		for m := l.advertiser.Advance(now); m.Data != nil; m = l.advertiser.Advance(now) {
			if err := n.network.Advertise(l.name, m); err != nil {
				n.debug("router advertisement on "+l.name, err)
				l.advertiser.SendFailed(now)
			}
		}
	}
}

// next returns when the next advertisement is due; zero: after the next change.
func (n *lanRouter) next() (next time.Time) {
	for _, l := range n.lans {
		if l.advertiser != nil {
			next = lifetime.Earliest(next, l.advertiser.Next())
		}
	}
	return next
}

// restartReplaced restarts on LANs whose interface has been replaced: its hosts may have solicited
// before our socket was open.
func (n *lanRouter) restartReplaced(now time.Time) {
	for _, l := range n.lans {
		if l.advertiser != nil && n.network.Replaced(l.name) {
			l.advertiser.Restart(now)
		}
	}
}

// shutdown tells hosts on LANs that we are no router any more and that our prefixes are stale.
func (n *lanRouter) shutdown(now time.Time) {
	for _, l := range n.lans {
		if l.advertiser != nil {
			n.debug("router advertisement on "+l.name, n.network.Advertise(l.name, l.advertiser.Final(now)))
		}
	}
	n.debug("remember the prefixes that were advertised", n.store.save(now, n.lans))
}

// handleSolicitation handles a router solicitation of a host on a LAN.
func (n *lanRouter) handleSolicitation(now time.Time, p netif.Packet) {
	for _, l := range n.lans {
		if l.name == p.Interface && l.advertiser != nil {
			n.debug("router solicitation on "+l.name, l.advertiser.Receive(now, p.Packet))
		}
	}
}

// hasStale reports whether there are stale prefixes to advertise.
func (n *lanRouter) hasStale(now time.Time) bool {
	for _, l := range n.lans {
		if l.advertiser != nil && len(l.advertiser.StalePrefixes(now)) > 0 {
			return true
		}
	}
	return false
}
