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

// Lease is an address, as a prefix of 128 bits, or a delegated prefix, with its lifetimes.
type Lease struct {
	Prefix netip.Prefix
	lifetime.Lifetime
}

// receivedIA is an IA_NA or IA_PD option of a server.
type receivedIA struct {
	t1, t2  time.Duration
	status  iana.StatusCode
	message string // of the status code option
	leases  []receivedLease
}

type receivedLease struct {
	prefix           netip.Prefix
	preferred, valid time.Duration
}

// parseIANA returns the IA_NA of a message that has our IAID; nil: there is none.
func parseIANA(m *dhcpv6.Message, iaid [4]byte) *receivedIA {
	for _, ia := range m.Options.IANA() {
		if ia.IaId != iaid {
			continue
		}
		o := &receivedIA{t1: ia.T1, t2: ia.T2, status: statusCode(ia.Options), message: statusMessage(ia.Options)}
		for _, a := range ia.Options.Addresses() {
			addr, ok := netip.AddrFromSlice(a.IPv6Addr)
			if ok && lifetime.IsHostAddress(addr) && statusCode(a.Options) == iana.StatusSuccess {
				o.add(netip.PrefixFrom(addr, 128), a.PreferredLifetime, a.ValidLifetime)
			}
		}
		return o.valid()
	}
	return nil
}

// parseIAPD returns the IA_PD of a message that has our IAID; nil: there is none.
func parseIAPD(m *dhcpv6.Message, iaid [4]byte) *receivedIA {
	for _, ia := range m.Options.IAPD() {
		if ia.IaId != iaid {
			continue
		}
		o := &receivedIA{t1: ia.T1, t2: ia.T2, status: statusCode(ia.Options), message: statusMessage(ia.Options)}
		for _, p := range ia.Options.Prefixes() {
			if prefix, ok := parsePrefix(p.Prefix); ok && statusCode(p.Options) == iana.StatusSuccess {
				o.add(prefix, p.PreferredLifetime, p.ValidLifetime)
			}
		}
		return o.valid()
	}
	return nil
}

// maxPrefixLength is the longest delegated prefix that is of use: a subnet is a /64.
const maxPrefixLength = 64

func parsePrefix(n *net.IPNet) (p netip.Prefix, ok bool) {
	if n == nil || n.Mask == nil {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	p = netip.PrefixFrom(addr, bits).Masked()
	return p, ok && bits <= maxPrefixLength && lifetime.IsHostPrefix(p)
}

// add ignores invalid lifetimes (RFC 8415 sections 21.6 and 21.22).
func (o *receivedIA) add(p netip.Prefix, preferred, valid time.Duration) {
	if preferred <= valid && len(o.leases) < maxLeases {
		o.leases = append(o.leases, receivedLease{p, preferred, valid})
	}
}

// valid returns nil for an association with invalid times (RFC 8415 sections 21.4 and 21.21).
func (o *receivedIA) valid() *receivedIA {
	if o.t1 > o.t2 && o.t2 > 0 {
		return nil
	}
	return o
}

// usable reports whether the association has a lease to use.
func (o *receivedIA) usable() bool {
	return o != nil && o.status == iana.StatusSuccess &&
		slices.ContainsFunc(o.leases, func(l receivedLease) bool { return l.valid > 0 })
}

// association is the client's state of one identity association.
type association struct {
	leases []Lease
	t1, t2 time.Time // zero: never
}

func (a *association) hasLease() bool { return len(a.leases) > 0 }

// update applies a server's answer. Leases that it does not mention remain (RFC 8415 section
// 18.2.10.1).
func (a *association) update(now time.Time, o *receivedIA) {
	for _, l := range o.leases {
		a.leases = slices.DeleteFunc(a.leases, func(h Lease) bool { return h.Prefix == l.prefix })
		if l.valid > 0 && len(a.leases) < maxLeases {
			a.leases = append(a.leases, Lease{l.prefix, lifetime.New(now, l.preferred, l.valid)})
		}
	}
	a.schedule(now, o.t1, o.t2)
}

// reschedule sets T1 and T2 after a message without this association: from the remaining lifetimes.
func (a *association) reschedule(now time.Time) { a.schedule(now, 0, 0) }

// schedule sets T1 and T2. If the server leaves them to the client, or they are beyond the
// lifetimes, they are half and four fifths of the shortest preferred lifetime (RFC 8415 section
// 21.4).
func (a *association) schedule(now time.Time, t1, t2 time.Duration) {
	preferred, valid := lifetime.Infinity, lifetime.Infinity
	for _, l := range a.leases {
		valid = min(valid, lifetime.Remaining(now, l.Valid))
		if p := lifetime.Remaining(now, l.Preferred); p > 0 {
			preferred = min(preferred, p)
		}
	}
	preferred = min(preferred, valid)
	if t1 == 0 || t1 > valid {
		t1 = fraction(preferred, 5)
	}
	if t2 == 0 || t2 > valid || t2 < t1 {
		t2 = max(fraction(preferred, 8), t1)
	}
	a.t1, a.t2 = lifetime.Deadline(now, t1), lifetime.Deadline(now, t2)
}

// fraction returns some tenths of a duration, which may be infinite.
func fraction(d time.Duration, tenths int) time.Duration {
	if d >= lifetime.Infinity {
		return d
	}
	return d / 10 * time.Duration(tenths)
}

func (a *association) expire(now time.Time) {
	a.leases = slices.DeleteFunc(a.leases, func(l Lease) bool { return l.Expired(now) })
}

func (a *association) nextExpiry() (first time.Time) {
	for _, l := range a.leases {
		first = lifetime.Earliest(first, l.Valid)
	}
	return first
}

// iaNAOption makes an IA_NA option with the addresses of leases.
func iaNAOption(iaid [4]byte, leases []Lease) dhcpv6.Option {
	o := &dhcpv6.OptIANA{IaId: iaid}
	for _, l := range leases {
		o.Options.Add(&dhcpv6.OptIAAddress{IPv6Addr: l.Prefix.Addr().AsSlice()})
	}
	return o
}

// iaPDOption makes an IA_PD option with the prefixes of leases.
func iaPDOption(iaid [4]byte, leases []Lease) dhcpv6.Option {
	o := &dhcpv6.OptIAPD{IaId: iaid}
	for _, l := range leases {
		o.Options.Add(&dhcpv6.OptIAPrefix{Prefix: ipNet(l.Prefix)})
	}
	return o
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}
}
