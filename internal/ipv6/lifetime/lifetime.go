// Package lifetime is what router advertisements and DHCPv6 have in common: how long
// what they tell may be used, and which addresses and names of theirs are fit for use.
package lifetime

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Infinity is the lifetime of what never ends, in both protocols (RFC 4861 section
// 4.6.2, RFC 8415 section 7.7).
const Infinity = 0xffffffff * time.Second

// Lifetime is how long an address or a prefix may be used: for new connections until
// Preferred, at all until Valid. The zero time is never reached.
type Lifetime struct{ Preferred, Valid time.Time }

// New is the lifetime that begins now.
func New(now time.Time, preferred, valid time.Duration) Lifetime {
	return Lifetime{Deadline(now, preferred), Deadline(now, valid)}
}

// Deadline is when a span that begins now ends; zero: never.
func Deadline(now time.Time, span time.Duration) time.Time {
	if span >= Infinity {
		return time.Time{}
	}
	return now.Add(span)
}

// Reached reports whether a deadline has been reached.
func Reached(now, deadline time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }

// Remaining is how much time a deadline leaves: at least 0, and Infinity if it is never
// reached.
func Remaining(now, deadline time.Time) time.Duration {
	if deadline.IsZero() {
		return Infinity
	}
	return max(deadline.Sub(now), 0)
}

// Earliest is the first of several deadlines; zero: all are never reached.
func Earliest(deadlines ...time.Time) (first time.Time) {
	for _, d := range deadlines {
		if first.IsZero() || !d.IsZero() && d.Before(first) {
			first = d
		}
	}
	return first
}

// Expired reports whether nothing may use it any more.
func (l Lifetime) Expired(now time.Time) bool { return Reached(now, l.Valid) }

// Deprecated reports whether new connections should use something else.
func (l Lifetime) Deprecated(now time.Time) bool { return Reached(now, l.Preferred) }

// IsHostAddress reports whether an address can be a host's own on any network: it is IPv6, and
// global or unique local.
func IsHostAddress(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && a.Zone() == "" && a.IsGlobalUnicast()
}

// IsHostPrefix reports whether a prefix can be a network's of hosts.
func IsHostPrefix(p netip.Prefix) bool { return p.IsValid() && p.Bits() > 0 && IsHostAddress(p.Addr()) }

// IsServerAddress reports whether an address can be a name server's. One on the link has no zone
// yet.
func IsServerAddress(a netip.Addr) bool {
	return a.Is6() && !a.Is4In6() && (a.IsGlobalUnicast() || a.IsLinkLocalUnicast())
}

// How long a domain's name and each of its labels may be, in octets (RFC 1035 section 2.3.4).
const (
	maxDomain = 253
	maxLabel  = 63
)

// IsDomainName reports whether a name is a host's or domain's: nothing else may get into
// resolv.conf or into a script's environment. A dot may end it.
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
