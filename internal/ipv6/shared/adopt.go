package shared

import (
	"math"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/ipv6/radv"
	"upppoe/internal/tlv"
)

// stateVersion is that of what Config.Keep is called with.
const stateVersion = 1

// Fields of it. The numbers do not change.
const (
	stateNetwork byte = 1 + iota
	stateAddress
	stateDelegated
	stateAddressBinding
	stateDelegatedBinding
)

// Fields of a binding.
const (
	bindingClient byte = 1 + iota
	bindingIAID
	bindingValid // by the wall clock, in nanoseconds since 1970; 0: forever
)

// kept is what a successor needs of a session.
type kept struct {
	prefixes           assign.State
	address, delegated dhcp6.Binding
}

// keep calls Config.Keep if there is something to keep.
func (r *responder[K]) keep(s *session[K]) {
	if r.cfg.Keep == nil {
		return
	}
	leases := s.leases(r.origin)
	k := kept{s.prefixes(), leases.Address, leases.Prefix}
	r.cfg.Keep(s.key, tlv.AppendVersion(nil, stateVersion, k.fields))
}

func (k *kept) fields(c *tlv.Codec) {
	for tag, p := range map[byte]*netip.Prefix{stateNetwork: &k.prefixes.Network, stateAddress: &k.prefixes.Address, stateDelegated: &k.prefixes.Delegated} {
		if c.Optional(tag, p.IsValid()) {
			prefixField(c, tag, p)
		}
	}
	for tag, b := range map[byte]*dhcp6.Binding{stateAddressBinding: &k.address, stateDelegatedBinding: &k.delegated} {
		if b.Bound = c.Optional(tag, b.Bound); b.Bound {
			c.Part(tag, "binding", func(to []byte) []byte {
				return tlv.Append(to, func(c *tlv.Codec) { bindingFields(c, b) })
			}, func(from []byte) error {
				return tlv.Parse(from, func(c *tlv.Codec) { bindingFields(c, b) })
			})
		}
	}
}

// prefixField is a field with a prefix: its address and its length.
func prefixField(c *tlv.Codec, tag byte, p *netip.Prefix) {
	var b [17]byte
	if !c.Reading() {
		a := p.Addr().As16()
		copy(b[:], a[:])
		b[16] = byte(p.Bits())
	}
	c.Octets(tag, b[:])
	if !c.Reading() {
		return
	}
	if *p = netip.PrefixFrom(netip.AddrFrom16([16]byte(b[:16])), int(b[16])); !p.IsValid() || p.Addr().Is4In6() || *p != p.Masked() {
		c.Fail("%v is not a prefix", *p)
	}
}

func bindingFields(c *tlv.Codec, b *dhcp6.Binding) {
	tlv.Bytes(c, bindingClient, &b.Client)
	c.Octets(bindingIAID, b.IAID[:])
	var valid uint64
	if !b.Valid.IsZero() {
		valid = uint64(b.Valid.UnixNano())
	}
	tlv.Uint(c, bindingValid, &valid)
	if b.Valid = (time.Time{}); valid > 0 {
		b.Valid = time.Unix(0, int64(min(valid, math.MaxInt64)))
	}
	if len(b.Client) == 0 {
		c.Fail("a binding has no client")
	}
}

// restore gives a new session what it had in an earlier program, if no other session has it, and reports
// whether that could be read.
func (r *responder[K]) restore(now time.Time, s *session[K], state []byte) bool {
	var k kept
	if len(state) == 0 || tlv.ParseVersion(state, stateVersion, k.fields) != nil {
		return false
	}
	if p := k.prefixes.Network; p.Bits() == networkBits && r.reserve(assign.Networks, p) {
		s.network, s.hasNetwork = subnetOf(p), true
	}
	leases := dhcp6.ServerState{}
	if p := k.prefixes.Address; p.Bits() == addressBits && r.reserve(assign.Addresses, p) {
		leases.Address = r.restored(now, k.address, p)
	}
	if p := k.prefixes.Delegated; p.IsValid() && p.Bits() <= networkBits && r.reserve(assign.Prefixes, p) {
		leases.Prefix = r.restored(now, k.delegated, p)
	}
	s.setLeases(r.origin, leases)
	interval := time.Duration(r.jitter.Int64N(int64(r.cfg.Interval)))
	s.setSchedule(r.origin, now, radv.Schedule{Next: now.Add(interval), LastSent: now, Sent: math.MaxUint8})
	return true
}

// reserve allocates a prefix in its pool. One that is of no pool any more stays the session's.
func (r *responder[K]) reserve(kind assign.Kind, p netip.Prefix) bool {
	pool := r.cfg.Owner(kind, p)
	return pool == nil || pool.Reserve(p)
}

// restored returns a binding of a prefix, which ends when it did, by a clock that may have been set.
func (r *responder[K]) restored(now time.Time, b dhcp6.Binding, p netip.Prefix) dhcp6.Binding {
	b.Resource = p
	if !b.Valid.IsZero() {
		left := min(b.Valid.Sub(now.Round(0)), r.cfg.Valid)
		b.Lifetime = lifetime.Lifetime{Valid: now.Add(max(left, time.Nanosecond))}
	}
	return b
}
