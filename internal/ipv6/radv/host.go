package radv

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// Bounds of what a host learns: a router that tells more is not believed.
const (
	maxRouters  = 4
	maxPrefixes = 16
	maxServers  = 8
	maxDomains  = 8
)

// minMTU is the least that IPv6 allows (RFC 8200 section 5).
const minMTU = 1280

// HostConfig is what a Host is told of its link.
type HostConfig struct {
	// Local is our link-local address: its interface identifier is that of our
	// other addresses too (RFC 5072 section 5).
	Local netip.Addr
	// Rand spreads messages in time. It must be set.
	Rand *rand.Rand
}

// Host is a host's side of one link. Make it with NewHost.
type Host struct {
	cfg           HostConfig
	solicitor     solicitor
	received      bool
	managed       bool
	other         bool
	mtu           int
	routers       []Router
	addresses     []Address
	onLink        []OnLinkPrefix
	nameServers   []expiring[netip.Addr]
	searchDomains []expiring[string]
}

// Router is one that would be a default router.
type Router struct {
	Addr       netip.Addr // link-local, without zone
	Preference ndp.Preference
	Until      time.Time // zero: for ever
}

// Address is one that the host has made from a prefix.
type Address struct {
	Prefix netip.Prefix // the address, and how long its network's prefix is
	lifetime.Lifetime
}

// OnLinkPrefix is a network that is on the link.
type OnLinkPrefix struct {
	Prefix netip.Prefix
	Until  time.Time // zero: for ever
}

// HostState is what a Host has learned. It is the caller's.
type HostState struct {
	// Received reports whether there has been any advertisement.
	Received bool
	// Managed and Other have addresses, or the rest, come by DHCPv6 (RFC 4861
	// section 4.2).
	Managed, Other bool
	// MTU is the link's, in octets; 0: not told.
	MTU           int
	Routers       []Router // best first
	Addresses     []Address
	OnLink        []OnLinkPrefix
	NameServers   []netip.Addr // name servers
	SearchDomains []string     // to search for names
}

// expiring is something that ends.
type expiring[T comparable] struct {
	value T
	end   time.Time
}

// NewHost makes a host whose link has just come up. Its first solicitation does not wait:
// the delay of RFC 4861 section 6.3.7 is for many hosts that start at once on one link.
func NewHost(now time.Time, cfg *HostConfig) *Host {
	h := &Host{cfg: *cfg}
	h.solicitor.start(now)
	return h
}

// Receive learns from a router's advertisement. The error says why it was dropped: it
// is one of this package's (wrapped).
func (h *Host) Receive(now time.Time, p Packet) error {
	ra, err := parseAdvertisement(p)
	if err != nil {
		return err
	}
	h.received, h.managed, h.other = true, ra.ManagedConfiguration, ra.OtherConfiguration
	h.learnRouter(now, p.Source.WithZone(""), ra)
	for _, o := range ra.Options {
		h.learnOption(now, o)
	}
	h.expire(now)
	return nil
}

func (h *Host) learnOption(now time.Time, o ndp.Option) {
	switch o := o.(type) {
	case *ndp.MTU:
		if o.MTU >= minMTU && o.MTU <= 0xffff {
			h.mtu = int(o.MTU)
		}
	case *ndp.PrefixInformation:
		h.learnPrefix(now, o)
	case *ndp.RecursiveDNSServer:
		for _, a := range o.Servers {
			if lifetime.IsServerAddress(a) {
				h.nameServers = update(h.nameServers, a, now, o.Lifetime, maxServers)
			}
		}
	case *ndp.DNSSearchList:
		for _, d := range o.DomainNames {
			if lifetime.IsDomainName(d) {
				h.searchDomains = update(h.searchDomains, d, now, o.Lifetime, maxDomains)
			}
		}
	}
}

// learnRouter applies RFC 4861 section 6.3.4: a lifetime of 0 ends what was told
// before. A router there is ends the solicitations (section 6.3.7).
func (h *Host) learnRouter(now time.Time, from netip.Addr, ra *ndp.RouterAdvertisement) {
	h.routers = slices.DeleteFunc(h.routers, func(r Router) bool { return r.Addr == from })
	if ra.RouterLifetime == 0 && len(h.routers) == 0 {
		h.solicitor.start(now.Add(solicitationInterval))
	}
	if ra.RouterLifetime == 0 || len(h.routers) == maxRouters {
		return
	}
	h.solicitor.stop()
	h.routers = append(h.routers, Router{from, ra.RouterSelectionPreference, now.Add(ra.RouterLifetime)})
	slices.SortFunc(h.routers, func(a, b Router) int {
		if d := rank(b.Preference) - rank(a.Preference); d != 0 {
			return d
		}
		return a.Addr.Compare(b.Addr) // lest two alternate
	})
}

// rank orders preferences (RFC 4191 section 2.1).
func rank(p ndp.Preference) int {
	switch p {
	case ndp.High:
		return 1
	case ndp.Low:
		return -1
	}
	return 0
}

// update keeps what is new, renews what is known, and forgets what has no time left.
func update[T comparable](list []expiring[T], what T, now time.Time, span time.Duration, bound int) []expiring[T] {
	i := slices.IndexFunc(list, func(u expiring[T]) bool { return u.value == what })
	switch {
	case i >= 0:
		list[i].end = lifetime.Deadline(now, span)
	case span > 0 && len(list) < bound:
		list = append(list, expiring[T]{what, lifetime.Deadline(now, span)})
	}
	return list
}

// Advance does what is due. It returns a solicitation to send; without Data there is
// none.
func (h *Host) Advance(now time.Time) (m Message) {
	h.expire(now)
	if !h.solicitor.due(now, h.cfg.Rand) {
		return Message{}
	}
	data, err := ndp.MarshalMessage(&ndp.RouterSolicitation{})
	if err != nil {
		return Message{} // cannot be: it has no parts
	}
	return Message{Data: data, To: AllRouters}
}

// SendFailed says that what Advance has returned could not be sent. The first solicitation
// is tried again soon then, for three seconds.
func (h *Host) SendFailed(now time.Time) { h.solicitor.sendFailed(now) }

// expire forgets what has ended. Without the last router, it is solicited anew.
func (h *Host) expire(now time.Time) {
	had := len(h.routers) > 0
	h.routers = slices.DeleteFunc(h.routers, func(r Router) bool { return lifetime.Reached(now, r.Until) })
	h.addresses = slices.DeleteFunc(h.addresses, func(a Address) bool { return a.Expired(now) })
	h.onLink = slices.DeleteFunc(h.onLink, func(r OnLinkPrefix) bool { return lifetime.Reached(now, r.Until) })
	h.nameServers = slices.DeleteFunc(h.nameServers, func(u expiring[netip.Addr]) bool { return lifetime.Reached(now, u.end) })
	h.searchDomains = slices.DeleteFunc(h.searchDomains, func(u expiring[string]) bool { return lifetime.Reached(now, u.end) })
	if had && len(h.routers) == 0 {
		h.solicitor.start(now)
	}
}

// Next is when Advance has something to do; zero: not before a message comes.
func (h *Host) Next() time.Time {
	next := h.solicitor.next
	for _, r := range h.routers {
		next = lifetime.Earliest(next, r.Until)
	}
	for _, a := range h.addresses {
		next = lifetime.Earliest(next, a.Valid)
	}
	for _, r := range h.onLink {
		next = lifetime.Earliest(next, r.Until)
	}
	for _, s := range h.nameServers {
		next = lifetime.Earliest(next, s.end)
	}
	for _, d := range h.searchDomains {
		next = lifetime.Earliest(next, d.end)
	}
	return next
}

// State is what the host knows now.
func (h *Host) State() HostState {
	v := HostState{
		Received: h.received, Managed: h.managed, Other: h.other, MTU: h.mtu,
		Routers: slices.Clone(h.routers), Addresses: slices.Clone(h.addresses), OnLink: slices.Clone(h.onLink),
	}
	for _, s := range h.nameServers {
		v.NameServers = append(v.NameServers, s.value)
	}
	for _, d := range h.searchDomains {
		v.SearchDomains = append(v.SearchDomains, d.value)
	}
	return v
}
