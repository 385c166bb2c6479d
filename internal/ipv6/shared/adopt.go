package shared

import (
	"math"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
	"upppoe/internal/ipv6/dhcp6"
	"upppoe/internal/ipv6/radv"
)

// keep calls Config.Keep if there is something to keep.
func (r *responder[K]) keep(s *session[K]) {
	if r.cfg.Keep == nil {
		return
	}
	leases := s.leases(r.origin)
	r.cfg.Keep(s.key, assign.Kept{State: s.prefixes(), AddressBinding: leases.Address, DelegatedBinding: leases.Prefix}.AppendTo(nil))
}

// restore gives a new session what it had in an earlier program, if no other session has it, and reports
// whether that could be read.
func (r *responder[K]) restore(now time.Time, s *session[K], state []byte) bool {
	if len(state) == 0 {
		return false
	}
	k, err := assign.ParseKept(state)
	if err != nil {
		return false
	}
	if p := k.State.Network; p.Bits() == networkBits && r.reserve(assign.Networks, p) {
		s.network, s.hasNetwork = subnetOf(p), true
	}
	leases := dhcp6.ServerState{}
	if p := k.State.Address; p.Bits() == addressBits && r.reserve(assign.Addresses, p) {
		leases.Address = assign.Restored(now, k.AddressBinding, p, r.cfg.Valid)
	}
	if p := k.State.Delegated; p.IsValid() && p.Bits() <= networkBits && r.reserve(assign.Prefixes, p) {
		leases.Prefix = assign.Restored(now, k.DelegatedBinding, p, r.cfg.Valid)
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
