package ipv6

import (
	"math/rand/v2"
	"time"

	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/netif"
	"upppoe/internal/ipv6/radv"
)

// lan is a LAN whose router we are.
type lan struct {
	name   string
	router *radv.Advertiser // nil: there has not been anything to advertise yet
}

// lanPorts are where a router of LANs acts on the world.
type lanPorts interface {
	Advertise(lan string, m radv.Message) error
	Renewed(lan string) bool
}

// lanRouter is the router of all LANs. One goroutine uses it.
type lanRouter struct {
	ports lanPorts
	lans  []*lan
	rand  *rand.Rand
	debug func(what string, err error)
	store *staleStore
}

// newLANRouter makes the router of those LANs on which we advertise. What an earlier session, or
// a program before this one, has advertised there is stale from the beginning.
func newLANRouter(now time.Time, cfg *Config, p lanPorts, r *rand.Rand, debug func(string, error)) *lanRouter {
	n := &lanRouter{ports: p, rand: r, debug: debug, store: &staleStore{path: cfg.Advertised}}
	for _, l := range cfg.LANs {
		if l.Advertise {
			n.lans = append(n.lans, &lan{name: l.Interface})
		}
	}
	stale, err := n.store.load(now)
	debug("prefixes that were advertised before", err)
	for _, l := range n.lans {
		if list := stale[l.name]; len(list) > 0 && n.begin(now, l) {
			l.router.Withdraw(now, list)
		}
	}
	return n
}

// begin makes a LAN's router, if it is not there yet, and reports whether it is there.
func (n *lanRouter) begin(now time.Time, l *lan) bool {
	if l.router == nil {
		router, err := radv.NewAdvertiser(now, &radv.AdvertiserConfig{Rand: n.rand})
		n.debug("router on "+l.name, err)
		l.router = router
	}
	return l.router != nil
}

// offer is what hosts on a LAN are told. We are their way out only as long as there is
// one (RFC 7084 G-4), and they have addresses for it.
func (s *State) offer(name string) radv.Offer {
	o := radv.Offer{Servers: s.Servers, Domains: s.Domains}
	for _, a := range s.LANs {
		if a.Interface == name {
			o.Networks = append(o.Networks, radv.Network{Prefix: a.Prefix.Masked(), Lifetime: a.Lifetime})
		}
	}
	if len(o.Networks) == 0 {
		return radv.Offer{}
	}
	o.Default = s.DefaultRoute.Set || len(s.Routers) > 0
	return o
}

// follow has all LANs follow the line, and sends what is due there.
func (n *lanRouter) follow(now time.Time, s *State) {
	for _, l := range n.lans {
		o := s.offer(l.name)
		if l.router == nil && len(o.Networks) == 0 || !n.begin(now, l) {
			continue
		}
		l.router.Change(now, o)
	}
	// Before it is advertised: a crash right after that must not leave it unknown.
	n.debug("remember the prefixes that are advertised", n.store.save(now, n.lans))
	n.advance(now)
}

// advance sends what is due.
func (n *lanRouter) advance(now time.Time) {
	for _, l := range n.lans {
		if l.router == nil {
			continue
		}
		for m := l.router.Advance(now); m.Data != nil; m = l.router.Advance(now) {
			if err := n.ports.Advertise(l.name, m); err != nil {
				n.debug("router advertisement on "+l.name, err)
				l.router.Unsent(now)
			}
		}
	}
}

// next is when there is something to send; zero: not before something changes.
func (n *lanRouter) next() (next time.Time) {
	for _, l := range n.lans {
		if l.router != nil {
			next = lifetime.Earliest(next, l.router.Next())
		}
	}
	return next
}

// greet begins anew on LANs whose interface is another one by now: who is there has asked
// before we could hear it.
func (n *lanRouter) greet(now time.Time) {
	for _, l := range n.lans {
		if l.router != nil && n.ports.Renewed(l.name) {
			l.router.Restart(now)
		}
	}
}

// resign tells LANs that we are no router any more, and that our prefixes are stale.
func (n *lanRouter) resign(now time.Time) {
	for _, l := range n.lans {
		if l.router != nil {
			n.debug("router advertisement on "+l.name, n.ports.Advertise(l.name, l.router.Last(now)))
		}
	}
	n.debug("remember the prefixes that were advertised", n.store.save(now, n.lans))
}

// solicited handles a solicitation of a host on a LAN.
func (n *lanRouter) solicited(now time.Time, p netif.Packet) {
	for _, l := range n.lans {
		if l.name == p.Interface && l.router != nil {
			n.debug("router solicitation on "+l.name, l.router.Receive(now, p.Packet))
		}
	}
}

// stale reports whether there is a prefix whose hosts are still to be told that it is stale.
func (n *lanRouter) stale(now time.Time) bool {
	for _, l := range n.lans {
		if l.router != nil && len(l.router.Withdrawn(now)) > 0 {
			return true
		}
	}
	return false
}
