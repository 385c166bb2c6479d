package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/internal/keyed"
	"upppoe/pppoe/wire"
)

// addressTable has the IPv4 addresses of a server's peers, on all its interfaces. No two sessions
// have the same address at a time. It may be used concurrently.
type addressTable struct {
	mu sync.Mutex
	by keyed.Table[addressKey, *addressEntry]

	pools *addressPools
}

// addressKey is an IPv4 address; any other is 0.0.0.0.
type addressKey [4]byte

func keyOf(addr netip.Addr) (k addressKey) {
	if addr.Is4() {
		k = addr.As4()
	}
	return k
}

// addressEntry is the session that has an address, and the one that gets it next.
type addressEntry struct {
	addr   addressKey
	holder sessionRef
	next   *sessionRef // nil: no session waits
}

// TableKey returns the key of addressTable.by.
func (e *addressEntry) TableKey() addressKey { return e.addr }

// waitsFor reports whether a session waits for the address.
func (e *addressEntry) waitsFor(s *sessionState) bool { return e.next != nil && e.next.state == s }

// sessionRef refers to a session of any interface. Other loops than the session's own may only read
// the fields of state that do not change.
type sessionRef struct {
	owner *serverLoop
	state *sessionState
	user  string // when the reference was made
}

// info describes the session, without its device.
func (r sessionRef) info() SessionInfo {
	s := &r.state.sessionIdentity
	return SessionInfo{
		Interface: s.Interface, SessionID: s.SessionID, Local: s.Local, Peer: s.Peer, Generation: s.Generation,
		Unit: s.Unit, ACName: s.ACName, Service: s.Service, vlan: s.vlan, User: r.user,
	}
}

// newAddressTable returns a table for sessions of a number of slots.
func newAddressTable(pools []AddressPool, slots int, withholds bool) *addressTable {
	a := &addressTable{pools: newAddressPools(pools, slots, withholds)}
	a.pools.linkAll()
	return a
}

// claim assigns an address to a session if no other session has it. Else it returns the session
// that has it, older; and, if the newer session replaces that and any that already waits, makes the
// new one wait in place of displaced (zero: none waited).
func (a *addressTable) claim(addr netip.Addr, by sessionRef, replaces func(older sessionRef) bool) (older, displaced sessionRef, waits, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by.Get(keyOf(addr))
	switch {
	case h == nil:
		a.by.Put(&addressEntry{addr: keyOf(addr), holder: by})
		a.pools.setClaimed(addr, true)
		return older, displaced, false, true
	case h.holder.state == by.state:
		return older, displaced, false, true
	case !replaces(h.holder) || h.next != nil && !h.waitsFor(by.state) && !replaces(*h.next):
		return h.holder, displaced, false, false
	case !h.waitsFor(by.state):
		if h.next != nil {
			displaced = *h.next
		}
		h.next = &by
	}
	return h.holder, displaced, true, false
}

// holder returns the session that has an IPv4 address; nil: none has.
func (a *addressTable) holder(addr netip.Addr) *sessionState {
	a.mu.Lock()
	defer a.mu.Unlock()
	if h := a.by.Get(keyOf(addr)); h != nil && addr.Is4() {
		return h.holder.state
	}
	return nil
}

// adopt gives an address to a session that an earlier server has given it to, unless another session has
// it. leased: the address was its slot's, of a pool; else the session is its own account's.
func (a *addressTable) adopt(addr netip.Addr, by sessionRef, leased bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by.Get(keyOf(addr)) != nil {
		return false
	}
	a.by.Put(&addressEntry{addr: keyOf(addr), holder: by})
	if index, ok := a.pools.indexOf(toUint(addr)); ok {
		a.pools.set(index, claimed)
		if leased {
			a.pools.lease(by.state.Unit, index)
		}
	}
	return true
}

// isLeased reports whether an address is the one that a slot has of a pool.
func (a *addressTable) isLeased(addr netip.Addr, slot int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return addr.Is4() && a.pools.leases[slot] == toUint(addr)
}

// release takes an address from a session that has it or waits for it. next is the session that has
// it now, if one has waited.
func (a *addressTable) release(addr netip.Addr, s *sessionState) (next sessionRef, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by.Get(keyOf(addr))
	switch {
	case h == nil:
	case h.waitsFor(s):
		h.next = nil
	case h.holder.state == s && h.next == nil:
		a.by.Delete(keyOf(addr))
		a.pools.setClaimed(addr, false)
	case h.holder.state == s:
		h.holder, h.next = *h.next, nil
		return h.holder, true
	}
	return next, false
}

// choose returns which of an account's addresses a session gets: the one of an older session of the
// same station; else the first that no session has; else the given one.
func (a *addressTable) choose(given netip.Addr, own []netip.Addr, station wire.Addr) netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	free := given
	for _, addr := range slices.Backward(own) {
		switch h := a.by.Get(keyOf(addr)); {
		case h == nil:
			free = addr
		case h.holder.state.Peer == station:
			return addr
		}
	}
	return free
}

// isFreeFor reports whether no session other than one has an address, or only one of the same client
// that is ending, so that the client gets the address as soon as the device of that has lost it.
func (a *addressTable) isFreeFor(addr netip.Addr, s *sessionState, info SessionInfo) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.isFreeForLocked(addr, s, info)
}

func (a *addressTable) isFreeForLocked(addr netip.Addr, s *sessionState, info SessionInfo) bool {
	h := a.by.Get(keyOf(addr))
	switch {
	case h == nil || h.holder.state == s:
		return true
	case h.next != nil && !h.waitsFor(s) || !h.holder.state.ending.Load():
		return false
	}
	return h.holder.user == info.User && (info.User != "" || h.holder.state.Peer == info.Peer)
}
