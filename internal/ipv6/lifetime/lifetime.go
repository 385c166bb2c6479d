// Package lifetime has what router advertisements (RFC 4861) and DHCPv6 (RFC 8415) share: preferred
// and valid lifetimes, and the validation of addresses and domain names that were received. It has
// no protocol of its own.
package lifetime

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Infinity is the infinite lifetime of both protocols (RFC 4861 section 4.6.2, RFC 8415 section
// 7.7).
const Infinity = 0xffffffff * time.Second

// Lifetime is when an address or a prefix is deprecated (Preferred), and when it becomes invalid
// (Valid). The zero time means never.
type Lifetime struct{ Preferred, Valid time.Time }

// New returns the lifetime that begins now.
func New(now time.Time, preferred, valid time.Duration) Lifetime {
	return Lifetime{Deadline(now, preferred), Deadline(now, valid)}
}

// Deadline returns when a duration that begins now ends; zero: never.
func Deadline(now time.Time, span time.Duration) time.Time {
	if span >= Infinity {
		return time.Time{}
	}
	return now.Add(span)
}

// Reached reports whether a deadline has been reached.
func Reached(now, deadline time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// Remaining returns the time until a deadline: at least 0, and Infinity if it is zero.
func Remaining(now, deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return Infinity
	}
	return max(deadline.Sub(now), 0)
}

// Earliest returns the first of several deadlines; zero: none is ever reached.
func Earliest(deadlines ...time.Time) (first time.Time) {
	for _, d := range deadlines {
		if first.IsZero() || !d.IsZero() && d.Before(first) {
			first = d
		}
	}
	return first
}

// Expired reports whether the valid lifetime has ended.
func (l Lifetime) Expired(now time.Time) bool { return Reached(now, l.Valid) }

// Deprecated reports whether the preferred lifetime has ended: new connections should use another
// address.
func (l Lifetime) Deprecated(now time.Time) bool { return Reached(now, l.Preferred) }

// IsHostAddress reports whether an address can be a host's on any network: it is IPv6, and global
// or unique local.
func IsHostAddress(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && a.Zone() == "" && a.IsGlobalUnicast()
}

// IsHostPrefix reports whether a prefix can be that of hosts' addresses.
func IsHostPrefix(p netip.Prefix) bool { return p.IsValid() && p.Bits() > 0 && IsHostAddress(p.Addr()) }

// IsServerAddress reports whether an address can be a name server's. A link-local address has no
// zone here.
func IsServerAddress(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && (a.IsGlobalUnicast() || a.IsLinkLocalUnicast())
}

// Bounds of a domain name and of each label, in octets (RFC 1035 section 2.3.4).
const (
	maxDomain = 253
	maxLabel  = 63
)

// IsDomainName reports whether a name is a host or domain name: nothing else may get into
// resolv.conf or into a script's environment. It may end with a dot.
func IsDomainName(name string) bool {
	if name == "" || len(name) > maxDomain || name[0] == '-' {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > maxLabel {
			return false
		}
	}
	return !slices.ContainsFunc([]byte(name), func(c byte) bool {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		return !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}
