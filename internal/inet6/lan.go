package inet6

import (
	"math/rand/v2"
	"time"

	"upppoe/internal/inet6/radv"
)

// lan is a LAN whose router we are.
type lan struct {
	name   string
	router *radv.Advertiser // nil: there has not been anything to tell yet
}

// lans are those on which we advertise.
func (c *Config) lans() (list []*lan) {
	for _, l := range c.LANs {
		if l.Advertise {
			list = append(list, &lan{name: l.Interface})
		}
	}
	return list
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

// change has the LAN follow the line.
func (n *lan) change(now time.Time, o radv.Offer, r *rand.Rand) error {
	if n.router == nil && len(o.Networks) == 0 {
		return nil
	}
	if n.router == nil {
		router, err := radv.NewAdvertiser(now, &radv.AdvertiserConfig{Rand: r})
		if err != nil {
			return err
		}
		n.router = router
	}
	n.router.Change(now, o)
	return nil
}

// advertise sends what is due on LANs.
func (l *line) advertise(now time.Time) {
	for _, n := range l.lans {
		l.debug("router on "+n.name, n.change(now, l.state.offer(n.name), l.rand))
		if n.router == nil {
			continue
		}
		for m := n.router.Advance(now); m.Data != nil; m = n.router.Advance(now) {
			if err := l.ports.Advertise(n.name, m); err != nil {
				l.debug("router advertisement on "+n.name, err)
				n.router.Unsent(now)
			}
		}
	}
}

// greet begins anew on LANs whose interface is another one by now: who is there has asked
// before we could hear it.
func (l *line) greet(now time.Time) {
	for _, n := range l.lans {
		if n.router != nil && l.ports.Renewed(n.name) {
			n.router.Restart(now)
		}
	}
}

// resign tells LANs that we are no router any more.
func (l *line) resign(now time.Time) {
	for _, n := range l.lans {
		if n.router != nil {
			l.debug("router advertisement on "+n.name, l.ports.Advertise(n.name, n.router.Last(now)))
		}
	}
}

// solicited hears a host on a LAN.
func (l *line) solicited(now time.Time, s solicitation) {
	for _, n := range l.lans {
		if n.name == s.lan && n.router != nil {
			l.debug("router solicitation on "+n.name, n.router.Receive(now, s.Packet))
		}
	}
}

// solicitation is a host's on a LAN.
type solicitation struct {
	lan string
	radv.Packet
}
