package shared

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"upppoe/internal/ipv6/assign"
)

var (
	errNoPool = errors.New("no pool")
	errTaken  = errors.New("another session has it")
)

// allocate allocates a fixed prefix, or one of the session's pool of a kind.
func (r *responder[K]) allocate(now time.Time, s *session[K], kind assign.Kind, fixed netip.Prefix) (p netip.Prefix, err error) {
	set, _ := r.cfg.Choose(s.choice())
	pool, owner := kind(set), r.cfg.Owner(kind, fixed)
	switch {
	case fixed.IsValid() && owner != nil && !owner.Reserve(fixed):
		err = fmt.Errorf("prefix %v cannot be assigned: %w", fixed, errTaken)
	case fixed.IsValid():
		return fixed, nil
	case pool == nil:
		return p, errNoPool
	default:
		if p, err = pool.AllocateHash(s.subscriber); err == nil {
			return p, nil
		}
		err = fmt.Errorf("address pool exhausted: %w", err)
	}
	r.counters.update(func(c *Stats) { c.Exhausted++ })
	r.warn(now, err)
	return p, err
}

// allocateNetwork allocates a network, unless the session has one or there is none.
func (r *responder[K]) allocateNetwork(now time.Time, s *session[K]) {
	if s.hasNetwork {
		return
	}
	if p, err := r.allocate(now, s, assign.Networks, s.fixed().Network); err == nil {
		s.network, s.hasNetwork = subnetOf(p), true
	}
}

// free returns what is allocated to its pool, if there is one.
func (r *responder[K]) free(kind assign.Kind, p netip.Prefix) {
	if pool := r.cfg.Owner(kind, p); pool != nil {
		pool.Free(p)
	}
}
