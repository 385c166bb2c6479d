package radv

import (
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// Parameters is what an Advertiser tells beside its configuration, and may change: as where
// it passes on what it has of others.
type Parameters struct {
	// DefaultRouter has hosts send through us what is for elsewhere.
	DefaultRouter bool
	// Prefixes are on the link, of 64 bits each. Their time runs out.
	Prefixes []AdvertisedPrefix
	// NameServers are name servers, Domains those to search.
	NameServers   []netip.Addr
	SearchDomains []string
}

// AdvertisedPrefix is a prefix from which hosts make addresses.
type AdvertisedPrefix struct {
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

// Update has the router tell something else, and soon. A network that is not there any
// more is stale: that is told until no host can use it any more (RFC 9096 section 3.5). What a
// host would not take is left out.
func (a *Advertiser) Update(now time.Time, o Parameters) {
	o = o.sanitized()
	if a.params.equal(&o) {
		return
	}
	for _, n := range a.params.Prefixes {
		if !hasPrefix(o.Prefixes, n.Prefix) {
			n.Preferred, n.Valid = now, lifetime.Earliest(n.Valid, now.Add(ValidLimit))
			a.deprecate(n)
		}
	}
	a.stale = slices.DeleteFunc(a.stale, func(n AdvertisedPrefix) bool { return n.Expired(now) || hasPrefix(o.Prefixes, n.Prefix) })
	a.params = o
	a.schedule(now)
}

// Deprecate has the router tell that networks are stale, until they are valid no more: as those
// that another router here has told before it.
func (a *Advertiser) Deprecate(now time.Time, list []AdvertisedPrefix) {
	o := (&Parameters{Prefixes: list}).sanitized()
	for _, n := range o.Prefixes {
		if !n.Expired(now) && !hasPrefix(a.params.Prefixes, n.Prefix) {
			a.deprecate(n)
		}
	}
	a.schedule(now)
}

// deprecate keeps the latest ones: their number is bounded.
func (a *Advertiser) deprecate(n AdvertisedPrefix) {
	a.stale = slices.DeleteFunc(a.stale, func(o AdvertisedPrefix) bool { return o.Prefix == n.Prefix })
	a.stale = append(a.stale, n)
	a.stale = slices.Delete(a.stale, 0, max(len(a.stale)-maxPrefixes, 0))
}

// Prefixes are the networks of the last Change. They are the caller's.
func (a *Advertiser) Prefixes() []AdvertisedPrefix { return slices.Clone(a.params.Prefixes) }

// StalePrefixes are the networks that hosts are told to be stale, but for those that are over. They
// are the caller's.
func (a *Advertiser) StalePrefixes(now time.Time) []AdvertisedPrefix {
	return slices.DeleteFunc(slices.Clone(a.stale), func(n AdvertisedPrefix) bool { return n.Expired(now) })
}

// SendFailed says that what Advance has returned could not be sent: it is tried again soon,
// as the first one for three seconds, or 3 s later.
func (a *Advertiser) SendFailed(now time.Time) {
	gap := minDelayBetweenRAs
	if a.sent <= 1 && a.sendFailures < maxSendRetries {
		a.sent, a.lastSent, gap = 0, time.Time{}, sendRetryInterval
		a.sendFailures++
	}
	a.next = lifetime.Earliest(a.next, now.Add(gap))
}

// schedule keeps those for all apart (RFC 4861 section 6.2.4).
func (a *Advertiser) schedule(now time.Time) {
	at := now
	if least := a.lastSent.Add(minDelayBetweenRAs); !a.lastSent.IsZero() && least.After(now) {
		at = least
	}
	a.next = lifetime.Earliest(a.next, at)
}

func hasPrefix(list []AdvertisedPrefix, p netip.Prefix) bool {
	return slices.ContainsFunc(list, func(n AdvertisedPrefix) bool { return n.Prefix == p })
}

func (o *Parameters) equal(other *Parameters) bool {
	return o.DefaultRouter == other.DefaultRouter && slices.Equal(o.Prefixes, other.Prefixes) &&
		slices.Equal(o.NameServers, other.NameServers) && slices.Equal(o.SearchDomains, other.SearchDomains)
}

// sanitized is a copy that holds only what a host would take.
func (o *Parameters) sanitized() Parameters {
	c := Parameters{DefaultRouter: o.DefaultRouter}
	for _, n := range o.Prefixes {
		if lifetime.IsHostPrefix(n.Prefix) && n.Prefix.Bits() == 128-identifierBits && n.Prefix == n.Prefix.Masked() && len(c.Prefixes) < maxPrefixes {
			c.Prefixes = append(c.Prefixes, n)
		}
	}
	for _, s := range o.NameServers {
		if lifetime.IsHostAddress(s) && len(c.NameServers) < maxServers {
			c.NameServers = append(c.NameServers, s)
		}
	}
	for _, d := range o.SearchDomains {
		if lifetime.IsDomainName(d) && len(c.SearchDomains) < maxDomains {
			c.SearchDomains = append(c.SearchDomains, d)
		}
	}
	return c
}

func (a *Advertiser) prefixOptions(now time.Time) (options []ndp.Option) {
	add := func(n AdvertisedPrefix, preferred, valid time.Duration) {
		options = append(options, &ndp.PrefixInformation{
			Prefix: n.Prefix.Addr(), PrefixLength: uint8(n.Prefix.Bits()), OnLink: true, AutonomousAddressConfiguration: true,
			PreferredLifetime: preferred, ValidLifetime: valid,
		})
	}
	for _, n := range a.params.Prefixes {
		if !n.Expired(now) {
			add(n, min(lifetime.Remaining(now, n.Preferred), PreferredLimit), min(lifetime.Remaining(now, n.Valid), ValidLimit))
		}
	}
	for _, n := range a.StalePrefixes(now) {
		add(n, 0, 0)
	}
	return options
}
