package assign

import (
	"math"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/lifetime"
	"upppoe/internal/tlv"
)

// keptVersion is that of Kept.AppendTo.
const keptVersion = 1

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

// Kept is what a successor needs of a session: what its peer has, and who has leased it. The Resources of the
// bindings are those of State.
type Kept struct {
	State
	AddressBinding, DelegatedBinding dhcp6.Binding
}

// KeptOf returns what is kept of a session with a prefix and the leases of its server.
func KeptOf(network netip.Prefix, leases dhcp6.ServerState) Kept {
	return Kept{State{network, leases.Address.Resource, leases.Prefix.Resource}, leases.Address, leases.Prefix}
}

// AppendTo appends the state, encoded.
func (k Kept) AppendTo(b []byte) []byte { return tlv.AppendVersion(b, keptVersion, k.fields) }

// ParseKept parses what AppendTo has appended.
func ParseKept(b []byte) (k Kept, err error) {
	err = tlv.ParseVersion(b, keptVersion, k.fields)
	return k, err
}

func (k *Kept) fields(c *tlv.Codec) {
	for tag, p := range map[byte]*netip.Prefix{stateNetwork: &k.State.Network, stateAddress: &k.State.Address, stateDelegated: &k.State.Delegated} {
		if c.Optional(tag, p.IsValid()) {
			prefixField(c, tag, p)
		}
	}
	for tag, b := range map[byte]*dhcp6.Binding{stateAddressBinding: &k.AddressBinding, stateDelegatedBinding: &k.DelegatedBinding} {
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

// Restored returns a binding of a prefix, which ends when it did, by a clock that may have been set, but not
// after atMost.
func Restored(now time.Time, b dhcp6.Binding, p netip.Prefix, atMost time.Duration) dhcp6.Binding {
	b.Resource = p
	if !b.Valid.IsZero() {
		left := min(b.Valid.Sub(now.Round(0)), atMost)
		b.Lifetime = lifetime.Lifetime{Valid: now.Add(max(left, time.Nanosecond))}
	}
	return b
}
