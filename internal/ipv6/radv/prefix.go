package radv

import (
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"upppoe/internal/ipv6/lifetime"
)

// identifierBits is the length of an interface identifier (RFC 5072 section 4.1).
const identifierBits = 64

// twoHours is the valid lifetime below which an advertisement cannot shorten an address's: any node
// can send one (RFC 4862 section 5.5.3 e).
const twoHours = 2 * time.Hour

func (h *Host) learnPrefix(now time.Time, o *ndp.PrefixInformation) {
	p := netip.PrefixFrom(o.Prefix, int(o.PrefixLength))
	if !lifetime.IsHostPrefix(p) {
		return // link-local prefixes, too: those addresses are the kernel's
	}
	if o.OnLink {
		h.learnOnLink(now, p, o.ValidLifetime)
	}
	if o.AutonomousAddressConfiguration {
		h.learnAutonomous(now, p, o.PreferredLifetime, o.ValidLifetime)
	}
}

// learnOnLink applies RFC 4861 section 6.3.4.
func (h *Host) learnOnLink(now time.Time, p netip.Prefix, valid time.Duration) {
	i := slices.IndexFunc(h.onLink, func(r OnLinkPrefix) bool { return r.Prefix == p })
	switch {
	case i >= 0:
		h.onLink[i].Until = lifetime.Deadline(now, valid)
	case valid > 0 && len(h.onLink) < maxPrefixes:
		h.onLink = append(h.onLink, OnLinkPrefix{p, lifetime.Deadline(now, valid)})
	}
}

// learnAutonomous applies RFC 4862 section 5.5.3.
func (h *Host) learnAutonomous(now time.Time, p netip.Prefix, preferred, valid time.Duration) {
	if preferred > valid || p.Bits() != 128-identifierBits {
		return
	}
	own := h.address(p)
	i := slices.IndexFunc(h.addresses, func(a Address) bool { return a.Prefix == own })
	if i < 0 {
		if valid > 0 && len(h.addresses) < maxPrefixes {
			h.addresses = append(h.addresses, Address{own, lifetime.New(now, preferred, valid)})
		}
		return
	}
	a := &h.addresses[i]
	a.Preferred = lifetime.Deadline(now, preferred)
	left := lifetime.Remaining(now, a.Valid)
	switch {
	case valid > twoHours || valid > left:
		a.Valid = lifetime.Deadline(now, valid)
	case left > twoHours:
		a.Valid = now.Add(twoHours)
	}
}

// address combines a prefix with our interface identifier.
func (h *Host) address(p netip.Prefix) netip.Prefix {
	a, id := p.Addr().As16(), h.cfg.Local.As16()
	copy(a[8:], id[8:])
	return netip.PrefixFrom(netip.AddrFrom16(a), p.Bits())
}
