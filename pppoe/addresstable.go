package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe/wire"
)

// addressTable are the IPv4 addresses of a server's peers, on all its interfaces: no two sessions
// have one at a time. It may be used concurrently.
type addressTable struct {
	mu sync.Mutex
	by map[netip.Addr]*addressEntry
}

// addressEntry is an address that a session has, and the one that is to have it next.
type addressEntry struct {
	holder, next sessionRef // next is zero if nobody waits
}

// sessionRef is a session of some interface, as another interface's loop may name it: the
// tunnel is touched by its own loop alone.
type sessionRef struct {
	owner *serverLoop
	state *sessionState
	info  SessionInfo // as it was
}

func newAddressTable() *addressTable { return &addressTable{by: make(map[netip.Addr]*addressEntry)} }

// claim gives an address to a session if no other has it. Else it returns which one that is; and,
// if the newer session replaces the older and any that waits already, notes that this one waits
// for it, in place of displaced, which has waited until now (zero: none has).
func (a *addressTable) claim(addr netip.Addr, by sessionRef, replaces func(older SessionInfo) bool) (older, displaced sessionRef, waits, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by[addr]
	switch {
	case h == nil:
		a.by[addr] = &addressEntry{holder: by}
		return older, displaced, false, true
	case h.holder.state == by.state:
		return older, displaced, false, true
	case !replaces(h.holder.info) || h.next.state != nil && h.next.state != by.state && !replaces(h.next.info):
		return h.holder, displaced, false, false
	case h.next.state != by.state:
		displaced, h.next = h.next, by
	}
	return h.holder, displaced, true, false
}

// release takes an address from a session that has it, or waits for it. next is the one that has it
// now, if somebody has waited.
func (a *addressTable) release(addr netip.Addr, s *sessionState) (next sessionRef, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by[addr]
	switch {
	case h == nil:
	case h.next.state == s:
		h.next = sessionRef{}
	case h.holder.state == s && h.next.state == nil:
		delete(a.by, addr)
	case h.holder.state == s:
		h.holder, h.next = h.next, sessionRef{}
		return h.holder, true
	}
	return next, false
}

// choose returns which of an account's own addresses a session is to have: the one that another
// session has at the same station, which has begun anew; or the first that no session has; or the
// one that is given.
func (a *addressTable) choose(given netip.Addr, own []netip.Addr, station wire.Addr) netip.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	free := given
	for _, addr := range slices.Backward(own) {
		switch h := a.by[addr]; {
		case h == nil:
			free = addr
		case h.holder.info.Peer == station:
			return addr
		}
	}
	return free
}

// isFree reports whether no session but one has an address, or waits for it.
func (a *addressTable) isFree(addr netip.Addr, but *sessionState) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.by[addr]
	return h == nil || h.holder.state == but
}
