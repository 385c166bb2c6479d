package dhcp6

import (
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
	"github.com/insomniacslk/dhcp/iana"

	"upppoe/internal/ipv6/lifetime"
)

// Leased is an address, as a prefix of 128 bits, or a delegated prefix.
type Leased struct {
	Prefix netip.Prefix
	lifetime.Lifetime
}

// offer is an identity association as a server sends it.
type offer struct {
	t1, t2 time.Duration
	status iana.StatusCode
	text   string // that goes with the status
	leases []offered
}

type offered struct {
	prefix           netip.Prefix
	preferred, valid time.Duration
}

// addressOffer is what a message says of the addresses of our IA_NA; nil: nothing.
func addressOffer(m *dhcpv6.Message, iaid [4]byte) *offer {
	for _, ia := range m.Options.IANA() {
		if ia.IaId != iaid {
			continue
		}
		o := &offer{t1: ia.T1, t2: ia.T2, status: code(ia.Options), text: textOf(ia.Options)}
		for _, a := range ia.Options.Addresses() {
			addr, ok := netip.AddrFromSlice(a.IPv6Addr)
			if ok && lifetime.Host(addr) && code(a.Options) == iana.StatusSuccess {
				o.add(netip.PrefixFrom(addr, 128), a.PreferredLifetime, a.ValidLifetime)
			}
		}
		return o.checked()
	}
	return nil
}

// prefixOffer is what a message says of the prefixes of our IA_PD; nil: nothing.
func prefixOffer(m *dhcpv6.Message, iaid [4]byte) *offer {
	for _, ia := range m.Options.IAPD() {
		if ia.IaId != iaid {
			continue
		}
		o := &offer{t1: ia.T1, t2: ia.T2, status: code(ia.Options), text: textOf(ia.Options)}
		for _, p := range ia.Options.Prefixes() {
			if prefix, ok := network(p.Prefix); ok && code(p.Options) == iana.StatusSuccess {
				o.add(prefix, p.PreferredLifetime, p.ValidLifetime)
			}
		}
		return o.checked()
	}
	return nil
}

// longestDelegated is the longest prefix that is of use: a network of hosts is a /64.
const longestDelegated = 64

func network(n *net.IPNet) (p netip.Prefix, ok bool) {
	if n == nil || n.Mask == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	p = netip.PrefixFrom(addr, bits).Masked()
	return p, ok && bits <= longestDelegated && lifetime.Network(p)
}

// add ignores what cannot be (RFC 8415 sections 21.6 and 21.22).
func (o *offer) add(p netip.Prefix, preferred, valid time.Duration) {
	if preferred <= valid && len(o.leases) < maxLeases {
		o.leases = append(o.leases, offered{p, preferred, valid})
	}
}

// checked is nil for an association that cannot be (RFC 8415 sections 21.4 and 21.21).
func (o *offer) checked() *offer {
	if o.t1 > o.t2 && o.t2 > 0 {
		return nil
	}
	return o
}

// gives reports whether there is anything to use.
func (o *offer) gives() bool {
	return o != nil && o.status == iana.StatusSuccess &&
		slices.ContainsFunc(o.leases, func(l offered) bool { return l.valid > 0 })
}

// association is what a client has got of one kind.
type association struct {
	leases []Leased
	t1, t2 time.Time // zero: never
}

func (a *association) held() bool { return len(a.leases) > 0 }

// take applies a server's answer. What it does not mention stays as it is (RFC 8415
// section 18.2.10.1).
func (a *association) take(now time.Time, o *offer) {
	for _, l := range o.leases {
		a.leases = slices.DeleteFunc(a.leases, func(h Leased) bool { return h.Prefix == l.prefix })
		if l.valid > 0 && len(a.leases) < maxLeases {
			a.leases = append(a.leases, Leased{l.prefix, lifetime.For(now, l.preferred, l.valid)})
		}
	}
	a.schedule(now, o.t1, o.t2)
}

// keep is when there was no answer for this association: it is asked for again halfway
// through what is left of it.
func (a *association) keep(now time.Time) { a.schedule(now, 0, 0) }

// schedule sets T1 and T2. Those that the server leaves to us, or that come too late,
// are half and four fifths of the shortest preferred lifetime (RFC 8415 section 21.4).
func (a *association) schedule(now time.Time, t1, t2 time.Duration) {
	preferred, valid := lifetime.Infinity, lifetime.Infinity
	for _, l := range a.leases {
		valid = min(valid, lifetime.Left(now, l.Valid))
		if p := lifetime.Left(now, l.Preferred); p > 0 {
			preferred = min(preferred, p)
		}
	}
	preferred = min(preferred, valid)
	if t1 == 0 || t1 > valid {
		t1 = part(preferred, 5)
	}
	if t2 == 0 || t2 > valid || t2 < t1 {
		t2 = max(part(preferred, 8), t1)
	}
	a.t1, a.t2 = lifetime.Deadline(now, t1), lifetime.Deadline(now, t2)
}

// part is so many tenths of a span that may be without end.
func part(d time.Duration, tenths int) time.Duration {
	if d >= lifetime.Infinity {
		return d
	}
	return d / 10 * time.Duration(tenths)
}

func (a *association) expire(now time.Time) {
	a.leases = slices.DeleteFunc(a.leases, func(l Leased) bool { return l.Expired(now) })
}

func (a *association) ends() (first time.Time) {
	for _, l := range a.leases {
		first = lifetime.Earliest(first, l.Valid)
	}
	return first
}

// addressOption asks for an address, and for those there are.
func addressOption(iaid [4]byte, leases []Leased) dhcpv6.Option {
	o := &dhcpv6.OptIANA{IaId: iaid}
	for _, l := range leases {
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: l.Prefix.Addr().AsSlice()})
	}
	return o
}

// prefixOption asks for a prefix, and for those there are.
func prefixOption(iaid [4]byte, leases []Leased) dhcpv6.Option {
	o := &dhcpv6.OptIAPD{IaId: iaid}
	for _, l := range leases {
		o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(l.Prefix)})
	}
	return o
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}
}
