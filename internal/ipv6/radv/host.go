package radv

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// Bounds of what a host keeps, against routers that advertise too much.
const (
	maxRouters  = 4
	maxPrefixes = 16
	maxServers  = 8
	maxDomains  = 8
)

// minMTU is the minimum MTU of IPv6 (RFC 8200 section 5).
const minMTU = 1280

// HostConfig configures a Host.
type HostConfig struct {
	// Local is our link-local address. Its interface identifier is used for all addresses (RFC 5072
	// section 5).
	Local netip.Addr
	// Rand provides jitter. It must be set.
	Rand *rand.Rand
}

// Host is the host side of one link. NewHost makes it.
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

// Router is a default router.
type Router struct {
	Addr       netip.Addr // link-local, without zone
	Preference ndp.Preference
	Until      time.Time // zero: never
}

// Address is an address that was made from an advertised prefix.
type Address struct {
	Prefix netip.Prefix // the address, and the prefix length of its subnet
	lifetime.Lifetime
}

// OnLinkPrefix is a prefix whose addresses are on the link.
type OnLinkPrefix struct {
	Prefix netip.Prefix
	Until  time.Time // zero: never
}

// HostState is what a Host has learned. The receiver owns it.
type HostState struct {
	// Received reports whether any advertisement has been received.
	Received bool
	// Managed and Other are the M and O flags: addresses, or other configuration, are available by
	// DHCPv6 (RFC 4861 section 4.2).
	Managed, Other bool
	// MTU is the link's, in octets; 0: not advertised.
	MTU           int
	Routers       []Router // best first
	Addresses     []Address
	OnLink        []OnLinkPrefix
	NameServers   []netip.Addr
	SearchDomains []string // DNS search domains
}

// expiring is a value with a lifetime.
type expiring[T comparable] struct {
	value T
	end   time.Time
}

// NewHost makes the host side of a link that has just come up. Its first solicitation is not
// delayed: the delay of RFC 4861 section 6.3.7 is for many hosts that start at once on one link.
func NewHost(now time.Time, cfg *HostConfig) *Host {
	h := &Host{cfg: *cfg}
	h.solicitor.start(now)
	return h
}

// Receive handles a router advertisement. The error says why it was dropped: it is one of this
// package's (wrapped).
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

// learnRouter applies RFC 4861 section 6.3.4: a lifetime of 0 removes the router. A default router
// ends the solicitations (section 6.3.7).
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
		return a.Addr.Compare(b.Addr) // a stable order
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

// update adds an entry or renews it; a lifetime of 0 ends it.
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

// Advance processes timers. It returns a solicitation to send; without Data there is none.
func (h *Host) Advance(now time.Time) (m Message) {
	h.expire(now)
	if !h.solicitor.due(now, h.cfg.Rand) {
		return Message{}
	}
	data, err := ndp.MarshalMessage(&ndp.RouterSolicitation{})
	if err != nil {
		return Message{} // impossible: it has no fields
	}
	return Message{Data: data, To: AllRouters}
}

// SendFailed reports that the message of the last Advance could not be sent. The first solicitation
// is then tried again soon, for three seconds.
func (h *Host) SendFailed(now time.Time) { h.solicitor.sendFailed(now) }

// expire removes what has expired. Without a default router, the host solicits again.
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

// Next returns when Advance has something to do; zero: after the next message.
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

// State returns what the host has learned.
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
