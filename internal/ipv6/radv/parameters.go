package radv

import (
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// Parameters are what an Advertiser advertises in addition to its configuration. They may change,
// as they come from another link.
type Parameters struct {
	// DefaultRouter advertises us as a default router.
	DefaultRouter bool
	// Prefixes are on the link, of 64 bits each. Their advertised lifetimes decrease.
	Prefixes []AdvertisedPrefix
	// NameServers and SearchDomains are the RDNSS and DNSSL options (RFC 8106).
	NameServers   []netip.Addr
	SearchDomains []string
}

// AdvertisedPrefix is a prefix for SLAAC.
type AdvertisedPrefix struct {
	Prefix netip.Prefix
	lifetime.Lifetime
}

// Limits of the advertised lifetimes of a delegated prefix (RFC 9096 section 3.4): hosts use it no
// longer than that if nothing tells them that it has become stale.
const (
	PreferredLimit = 2700 * time.Second // ND_PREFERRED_LIMIT
	ValidLimit     = 5400 * time.Second // ND_VALID_LIMIT
)

// Update changes the parameters and advertises them soon. A prefix that is removed is stale: it is
// advertised with lifetimes of 0 until no host can use it any more (RFC 9096 section 3.5). What a
// host would not accept is left out.
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
	a.schedule.advance(now)
}

// Deprecate advertises that prefixes are stale, until they are no longer valid, such as those that
// an earlier router here has advertised.
func (a *Advertiser) Deprecate(now time.Time, list []AdvertisedPrefix) {
	o := (&Parameters{Prefixes: list}).sanitized()
	for _, n := range o.Prefixes {
		if !n.Expired(now) && !hasPrefix(a.params.Prefixes, n.Prefix) {
			a.deprecate(n)
		}
	}
	a.schedule.advance(now)
}

// deprecate keeps the latest prefixes: their number is bounded.
func (a *Advertiser) deprecate(n AdvertisedPrefix) {
	a.stale = slices.DeleteFunc(a.stale, func(o AdvertisedPrefix) bool { return o.Prefix == n.Prefix })
	a.stale = append(a.stale, n)
	a.stale = slices.Delete(a.stale, 0, max(len(a.stale)-maxPrefixes, 0))
}

// Prefixes returns the prefixes of the last Update. The receiver owns them.
func (a *Advertiser) Prefixes() []AdvertisedPrefix { return slices.Clone(a.params.Prefixes) }

// StalePrefixes returns the stale prefixes that are still advertised. The receiver owns them.
func (a *Advertiser) StalePrefixes(now time.Time) []AdvertisedPrefix {
	return slices.DeleteFunc(slices.Clone(a.stale), func(n AdvertisedPrefix) bool { return n.Expired(now) })
}

// SendFailed reports that the message of the last Advance could not be sent. The first one is then
// tried again soon, for three seconds, later ones after MIN_DELAY_BETWEEN_RAS.
func (a *Advertiser) SendFailed(now time.Time) {
	early := a.schedule.Sent <= 1 && a.sendFailures < maxSendRetries
	if early {
		a.sendFailures++
	}
	a.schedule.sendFailed(now, early)
}

func hasPrefix(list []AdvertisedPrefix, p netip.Prefix) bool {
	return slices.ContainsFunc(list, func(n AdvertisedPrefix) bool { return n.Prefix == p })
}

func (o *Parameters) equal(other *Parameters) bool {
	return o.DefaultRouter == other.DefaultRouter && slices.Equal(o.Prefixes, other.Prefixes) &&
		slices.Equal(o.NameServers, other.NameServers) && slices.Equal(o.SearchDomains, other.SearchDomains)
}

// sanitized returns a copy of what a host would accept.
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
