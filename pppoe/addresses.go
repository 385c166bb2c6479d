package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe/wire"
)

// addresses are the IPv4 addresses of a server's peers, on all its interfaces: no two sessions
// have one at a time. It may be used concurrently.
type addresses struct {
	mu sync.Mutex
	by map[netip.Addr]*holding
}

// holding is an address that a session has, and the one that is to have it next.
type holding struct {
	holder, next sessionRef // next is zero if nobody waits
}

// sessionRef is a session of some interface, as another interface's loop may name it: the
// tunnel is touched by its own loop alone.
type sessionRef struct {
	at   *serverLoop
	t    *tunnel
	line SessionInfo // as it was
}

func newAddresses() *addresses { return &addresses{by: make(map[netip.Addr]*holding)} }

// take gives an address to a session if no other has it. Else it returns which one that is; and,
// if the newer session replaces the older and any that waits already, notes that this one waits
// for it, in place of displaced, which has waited until now (zero: none has).
func (a *addresses) take(addr netip.Addr, by sessionRef, replaces func(older SessionInfo) bool) (older, displaced sessionRef, waits, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by[addr]
	switch {
	case h == nil:
		a.by[addr] = &holding{holder: by}
		return older, displaced, false, true
	case h.holder.t == by.t:
		return older, displaced, false, true
	case !replaces(h.holder.line) || h.next.t != nil && h.next.t != by.t && !replaces(h.next.line):
		return h.holder, displaced, false, false
	case h.next.t != by.t:
		displaced, h.next = h.next, by
	}
	return h.holder, displaced, true, false
}

// drop takes an address from a session that has it, or waits for it. next is the one that has it
// now, if somebody has waited.
func (a *addresses) drop(addr netip.Addr, t *tunnel) (next sessionRef, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by[addr]
	switch {
	case h == nil:
	case h.next.t == t:
		h.next = sessionRef{}
	case h.holder.t == t && h.next.t == nil:
		delete(a.by, addr)
	case h.holder.t == t:
		h.holder, h.next = h.next, sessionRef{}
		return h.holder, true
	}
	return next, false
}

// choose returns which of an account's own addresses a session is to have: the one that another
// session has at the same station, which has begun anew; or the first that no session has; or the
// one that is given.
func (a *addresses) choose(given netip.Addr, own []netip.Addr, station wire.Addr) netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	free := given
	for _, addr := range slices.Backward(own) {
		switch h := a.by[addr]; {
		case h == nil:
			free = addr
		case h.holder.line.Peer == station:
			return addr
		}
	}
	return free
}

// isFree reports whether no session but one has an address, or waits for it.
func (a *addresses) isFree(addr netip.Addr, but *tunnel) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by[addr]
	return h == nil || h.holder.t == but
}
