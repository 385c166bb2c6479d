package radv

import (
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// Offer is what an Advertiser tells beside its configuration, and may change: as where
// it passes on what it has of others.
type Offer struct {
	// Default has hosts send through us what is for elsewhere.
	Default bool
	// Networks are on the link, of 64 bits each. Their time runs out.
	Networks []Network
	// Servers are name servers, Domains those to search.
	Servers []netip.Addr
	Domains []string
}

// Network is a prefix from which hosts make addresses.
type Network struct {
	Prefix netip.Prefix
	lifetime.Lifetime
}

// Limits of the lifetimes that hosts are told of a network that is passed on, however long it is
// ours (RFC 9096 section 3.4): so long may they use it at most if nobody can tell them that it has
// become stale.
const (
	PreferredLimit = 2700 * time.Second // ND_PREFERRED_LIMIT
	ValidLimit     = 5400 * time.Second // ND_VALID_LIMIT
)

// Change has the router tell something else, and soon. A network that is not there any
// more is stale: that is told until no host can use it any more (RFC 9096 section 3.5). What a
// host would not take is left out.
func (a *Advertiser) Change(now time.Time, o Offer) {
	o = o.checked()
	if a.offer.equal(&o) {
		return
	}
	for _, n := range a.offer.Networks {
		if !hasNetwork(o.Networks, n.Prefix) {
			n.Preferred, n.Valid = now, lifetime.Earliest(n.Valid, now.Add(ValidLimit))
			a.withdraw(n)
		}
	}
	a.withdrawn = slices.DeleteFunc(a.withdrawn, func(n Network) bool { return n.Expired(now) || hasNetwork(o.Networks, n.Prefix) })
	a.offer = o
	a.soon(now)
}

// Withdraw has the router tell that networks are stale, until they are valid no more: as those
// that another router here has told before it.
func (a *Advertiser) Withdraw(now time.Time, list []Network) {
	o := (&Offer{Networks: list}).checked()
	for _, n := range o.Networks {
		if !n.Expired(now) && !hasNetwork(a.offer.Networks, n.Prefix) {
			a.withdraw(n)
		}
	}
	a.soon(now)
}

// withdraw keeps the latest ones: their number is bounded.
func (a *Advertiser) withdraw(n Network) {
	a.withdrawn = slices.DeleteFunc(a.withdrawn, func(o Network) bool { return o.Prefix == n.Prefix })
	a.withdrawn = append(a.withdrawn, n)
	a.withdrawn = slices.Delete(a.withdrawn, 0, max(len(a.withdrawn)-maxPrefixes, 0))
}

// Offered are the networks of the last Change. They are the caller's.
func (a *Advertiser) Offered() []Network { return slices.Clone(a.offer.Networks) }

// Withdrawn are the networks that hosts are told to be stale, but for those that are over. They
// are the caller's.
func (a *Advertiser) Withdrawn(now time.Time) []Network {
	return slices.DeleteFunc(slices.Clone(a.withdrawn), func(n Network) bool { return n.Expired(now) })
}

// Unsent says that what Advance has returned could not be sent: it is tried again soon,
// as the first one for three seconds, or 3 s later.
func (a *Advertiser) Unsent(now time.Time) {
	gap := apart
	if a.sent <= 1 && a.unsent < maxUnsent {
		a.sent, a.last, gap = 0, time.Time{}, unsentInterval
		a.unsent++
	}
	a.next = lifetime.Earliest(a.next, now.Add(gap))
}

// soon keeps those for all apart (RFC 4861 section 6.2.4).
func (a *Advertiser) soon(now time.Time) {
	at := now
	if least := a.last.Add(apart); !a.last.IsZero() && least.After(now) {
		at = least
	}
	a.next = lifetime.Earliest(a.next, at)
}

func hasNetwork(list []Network, p netip.Prefix) bool {
	return slices.ContainsFunc(list, func(n Network) bool { return n.Prefix == p })
}

func (o *Offer) equal(other *Offer) bool {
	return o.Default == other.Default && slices.Equal(o.Networks, other.Networks) &&
		slices.Equal(o.Servers, other.Servers) && slices.Equal(o.Domains, other.Domains)
}

// checked is a copy that holds only what a host would take.
func (o *Offer) checked() Offer {
	c := Offer{Default: o.Default}
	for _, n := range o.Networks {
		if lifetime.Network(n.Prefix) && n.Prefix.Bits() == 128-identifierBits && n.Prefix == n.Prefix.Masked() && len(c.Networks) < maxPrefixes {
			c.Networks = append(c.Networks, n)
		}
	}
	for _, s := range o.Servers {
		if lifetime.Host(s) && len(c.Servers) < maxServers {
			c.Servers = append(c.Servers, s)
		}
	}
	for _, d := range o.Domains {
		if lifetime.Domain(d) && len(c.Domains) < maxDomains {
			c.Domains = append(c.Domains, d)
		}
	}
	return c
}

func (a *Advertiser) networks(now time.Time) (options []ndp.Option) {
	add := func(n Network, preferred, valid time.Duration) {
		options = append(options, &ndp.PrefixInformation{
			Prefix: n.Prefix.Addr(), PrefixLength: uint8(n.Prefix.Bits()), OnLink: true, AutonomousAddressConfiguration: true,
			PreferredLifetime: preferred, ValidLifetime: valid,
		})
	}
	for _, n := range a.offer.Networks {
		if !n.Expired(now) {
			add(n, min(lifetime.Left(now, n.Preferred), PreferredLimit), min(lifetime.Left(now, n.Valid), ValidLimit))
		}
	}
	for _, n := range a.Withdrawn(now) {
		add(n, 0, 0)
	}
	return options
}
