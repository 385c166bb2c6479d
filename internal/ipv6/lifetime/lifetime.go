// Package lifetime has what router advertisements (RFC 4861) and DHCPv6 (RFC 8415) share: preferred
// and valid lifetimes, and the validation of addresses and domain names that were received. It has
// no protocol of its own.
package lifetime

import "time"

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
