package server

import (
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
)

// restored returns what an earlier program has kept of the session, without what is fixed now.
func (s *session) restored() assign.Kept {
	if s.cfg.Restored == nil {
		return assign.Kept{}
	}
	k, err := assign.ParseKept(s.cfg.Restored)
	if err != nil {
		s.debug("what an earlier program has assigned", err)
		return assign.Kept{}
	}
	for had, fixed := range map[*netip.Prefix]netip.Prefix{&k.Network: s.cfg.Fixed.Network, &k.Address: s.cfg.Fixed.Address, &k.Delegated: s.cfg.Fixed.Delegated} {
		if fixed.IsValid() && *had != fixed {
			*had = netip.Prefix{}
		}
	}
	return k
}

// keepOr assigns a prefix that the peer had, or else what a function assigns.
func (s *session) keepOr(kind assign.Kind, had netip.Prefix, other func() (netip.Prefix, error)) netip.Prefix {
	if had.IsValid() {
		if p, err := s.assign(nil, kind, had); err == nil {
			return p
		}
	}
	p, _ := other()
	return p
}

// restoredLeases assigns what was leased by DHCPv6, to whom it was leased.
func (s *session) restoredLeases(now time.Time, k assign.Kept) (leases dhcp6.ServerState) {
	none := func() (netip.Prefix, error) { return netip.Prefix{}, nil }
	if p := s.keepOr(assign.Addresses, k.Address, none); p.IsValid() {
		leases.Address = assign.Restored(now, k.AddressBinding, p, s.cfg.Valid)
	}
	if p := s.keepOr(assign.Prefixes, k.Delegated, none); p.IsValid() {
		leases.Prefix = assign.Restored(now, k.DelegatedBinding, p, s.cfg.Valid)
	}
	return leases
}

// keep calls Config.Keep.
func (s *session) keep() {
	if s.cfg.Keep != nil {
		s.cfg.Keep(assign.KeptOf(s.prefix, s.server.State()).AppendTo(nil))
	}
}
