package pppoe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"upppoe/pppoe/wire"
)

// addressRequest is the request of a session for an address of a pool.
type addressRequest struct {
	state     *sessionState // nil: it does not exist yet
	info      SessionInfo   // with the user who gets the address
	pool      string
	preferred []uint32                // addresses as numbers, the most preferred first
	allowed   func(a netip.Addr) bool // nil: all are
	leaving   func(slot int) bool     // reports whether the session of a slot is ending
}

// PoolError is why a session gets no address of a pool.
type PoolError struct {
	Pool string
	User string // untrusted; empty: none
	Size uint64 // 0: there is no such pool
}

func (e PoolError) Error() string {
	whom := ""
	if e.User != "" {
		whom = fmt.Sprintf(", for user %q", wire.EscapeName(e.User))
	}
	if e.Size == 0 {
		return fmt.Sprintf("there is no address pool %q%s", e.Pool, whom)
	}
	return fmt.Sprintf("address pool %q exhausted: none of its %d addresses is free%s", e.Pool, e.Size, whom)
}

// errNoPools is the error of a server without a pool for a session.
var errNoPools = errors.New("no pool")

// assign assigns a session an address that no other session has, except for an ending one of the same
// client: the first preferred one that is its own, free or leased to an ending session; else see pick. The
// pools that follow the requested one are tried as well. Invalid: there are free addresses, but none that
// is allowed. The error is errNoPools, or a PoolError.
func (a *addressTable) assign(r addressRequest) (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first, ok := a.pools.byName[r.pool]
	switch {
	case !ok && r.pool == FirstPool:
		return netip.Addr{}, errNoPools
	case !ok:
		return netip.Addr{}, PoolError{Pool: r.pool, User: r.info.User}
	}
	if index, ok := a.preferred(r, first); ok {
		return a.leaseLocked(r, index), nil
	}
	size := uint64(0)
	var free uint32
	own := func(index uint32) bool { return a.usable(r, index) }
	allowed := func(addr uint32) bool { return r.allowed == nil || r.allowed(toAddr(addr)) }
	for at := first; at >= 0; at = a.pools.pools[at].next {
		of := &a.pools.pools[at]
		if index, ok := a.pools.pick(of, r.info.Unit, own, allowed); ok {
			return a.leaseLocked(r, index), nil
		}
		size, free = size+uint64(of.n), free+of.free[0]+of.reserved[0]
	}
	a.pools.release(r.info.Unit)
	if free > 0 {
		return netip.Addr{}, nil
	}
	a.pools.pools[first].refused++
	return netip.Addr{}, PoolError{r.pool, r.info.User, size}
}

func (a *addressTable) leaseLocked(r addressRequest, index uint32) netip.Addr {
	a.pools.lease(r.info.Unit, index)
	return toAddr(a.pools.addrAt(index))
}

// preferred returns the first preferred address that the session can get, of a pool or of those that
// follow it.
func (a *addressTable) preferred(r addressRequest, pool int) (index uint32, ok bool) {
	for _, addr := range r.preferred {
		index, ok = a.pools.indexOf(addr)
		if ok && a.follows(pool, index) && (a.pools.flags[index]&leased == 0 || a.isOwn(r, index) || r.leaving(int(a.pools.next[index]))) && a.usable(r, index) {
			return index, true
		}
	}
	return 0, false
}

// follows reports whether an address is of a pool, or of those that follow it.
func (a *addressTable) follows(pool int, index uint32) bool {
	for ; pool >= 0; pool = a.pools.pools[pool].next {
		if p := &a.pools.pools[pool]; index-p.first < p.n {
			return true
		}
	}
	return false
}

func (a *addressTable) isOwn(r addressRequest, index uint32) bool {
	return a.pools.next[index] == uint32(r.info.Unit)
}

// usable reports whether an address is allowed, and no other session has it.
func (a *addressTable) usable(r addressRequest, index uint32) bool {
	addr := toAddr(a.pools.addrAt(index))
	return a.pools.flags[index]&withheld == 0 && (r.allowed == nil || r.allowed(addr)) && a.isFreeForLocked(addr, r.state, r.info)
}

// reserve records that an account has an address for its own: others get it only if no other is free.
func (a *addressTable) reserve(addr netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !addr.Is4() {
		return
	}
	if index, ok := a.pools.indexOf(toUint(addr)); ok {
		a.pools.set(index, reserved)
	}
}

// releaseLease takes the address of a slot from it.
func (a *addressTable) releaseLease(slot int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pools.release(slot)
}

// hasPool reports whether an address is of a pool.
func (a *addressTable) hasPool(addr netip.Addr) bool {
	if !addr.Is4() {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.pools.indexOf(toUint(addr))
	return ok
}

// setPools replaces the pools. Sessions keep their addresses.
func (a *addressTable) setPools(pools []AddressPool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := newAddressPools(pools, 0, a.pools.withholds)
	next.takeOver(a.pools, func(yield func(netip.Addr)) {
		for e := range a.by.All() {
			yield(netip.AddrFrom4(e.addr))
		}
	})
	a.pools = next
}

// PoolStats is the use of a pool of a Server.
type PoolStats struct {
	AddressPool
	// Size is the number of addresses: those that sessions have, Used; those that are free, Free; and of
	// these, those that accounts have for their own, and others get last, Reserved.
	Size, Used, Free, Reserved uint64
	Withheld                   uint64 // those that no session has, and Server.Provide has not provided
	Refused                    uint64 // logins, because it was exhausted
}

// Pools returns the use of the address pools. It may be called at any time.
func (s *Server) Pools() []PoolStats {
	a := s.addresses
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make([]PoolStats, 0, len(a.pools.pools))
	for _, p := range a.pools.pools {
		free := uint64(p.free[0]) + uint64(p.reserved[0])
		all = append(all, PoolStats{AddressPool: p.AddressPool, Size: uint64(p.n), Used: uint64(p.n-p.withheld) - free, Free: free, Withheld: uint64(p.withheld), Reserved: uint64(p.reserved[0]), Refused: p.refused})
	}
	return all
}

// pools returns all pools, with that of Pool.First.
func (c *ServerConfig) pools() []AddressPool {
	if !c.Pool.First.Is4() {
		return c.Pools
	}
	first := AddressPool{Name: FirstPool, Ranges: []AddressRange{{c.Pool.First, c.Pool.Address(max(c.Pool.Max, 1) - 1)}}}
	return slices.Concat([]AddressPool{first}, c.Pools)
}

// checkPools is check for the pools.
func (c *ServerConfig) checkPools() error {
	for _, p := range CheckPools(c.pools()) {
		return fmt.Errorf("pppoe: ServerConfig.Pools: %s of pool %d: %s", p.Field, p.Pool, p.Text)
	}
	if c.DefaultPool != "" && !slices.ContainsFunc(c.pools(), func(p AddressPool) bool { return p.Name == c.DefaultPool }) {
		return fmt.Errorf("pppoe: ServerConfig.DefaultPool is %q, but no pool has this name", c.DefaultPool)
	}
	return nil
}

// samePools reports whether two configurations have the same pools.
func samePools(a, b []AddressPool) bool {
	return slices.EqualFunc(a, b, func(a, b AddressPool) bool {
		return a.Name == b.Name && a.Next == b.Next && slices.Equal(a.Ranges, b.Ranges) && slices.Equal(a.Exclude, b.Exclude)
	})
}
