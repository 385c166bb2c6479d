package pppoe

import (
	"errors"
	"iter"
	"net/netip"
	"time"
)

// ErrNotProvided is why Server.Adopt does not adopt a session, with ServerConfig.Withhold.
var ErrNotProvided = errors.New("its IPv4 address is of a pool, and has not been provided")

// Provide lets sessions be assigned those addresses of a range that pools have, with ServerConfig.Withhold, and
// returns how many these are. It may be called at any time.
func (s *Server) Provide(r AddressRange) (addresses int) {
	a := s.addresses
	a.mu.Lock()
	defer a.mu.Unlock()
	for index := range a.pools.indexes(r) {
		a.pools.clear(index, withheld)
		addresses++
	}
	return addresses
}

// Withdraw ends Provide, and reports whether it has: not while a session has one of the addresses, unless it is
// forced. Then the sessions keep theirs. It may be called at any time.
func (s *Server) Withdraw(r AddressRange, force bool) bool {
	a := s.addresses
	a.mu.Lock()
	defer a.mu.Unlock()
	for index := range a.pools.indexes(r) {
		if a.pools.flags[index]&(leased|claimed) != 0 && !force {
			return false
		}
	}
	for index := range a.pools.indexes(r) {
		a.pools.set(index, withheld)
	}
	return true
}

// indexes yields the indexes of the addresses of a range that pools have.
func (p *addressPools) indexes(r AddressRange) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for addr, n := toUint(r.First), r.Len(); n > 0; addr, n = addr+1, n-1 {
			if index, ok := p.indexOf(addr); ok && !yield(index) {
				return
			}
		}
	}
}

// isWithheld reports whether an address is of a pool and must not be assigned.
func (a *addressTable) isWithheld(addr netip.Addr) bool {
	if !addr.Is4() {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	index, ok := a.pools.indexOf(toUint(addr))
	return ok && a.pools.flags[index]&withheld != 0
}

// Refuse refuses new sessions as Drain does, for another reason, until it is called with nil. It may be called at
// any time.
func (s *Server) Refuse(why error) {
	if why == nil {
		s.refusal.Store(nil)
		return
	}
	s.refusal.Store(&why)
}

// ErrRefused is the reason for dropping PADIs because of Refuse.
var ErrRefused = errors.New("pppoe: the server opens no sessions now")

// refuses returns why no session may begin, for the client; nil: it may.
func (s *Server) refuses() error {
	if s.draining.Load() {
		return ErrDraining
	}
	if why := s.refusal.Load(); why != nil {
		return *why
	}
	return nil
}

// dropsRequests returns by which reason PADIs are dropped; nil: they are not.
func (s *Server) dropsRequests() error {
	switch {
	case s.draining.Load():
		return ErrDraining
	case s.refusal.Load() != nil:
		return ErrRefused
	}
	return nil
}

// CheckPeer sends the peer of a session an Echo-Request, by which it is known soon whether it is there. The error
// is ErrNoSession. It must not be called from Notify.
func (s *Server) CheckPeer(key SessionKey) error {
	return s.callSession(key, func(l *serverLoop, now time.Time, of *sessionState) { l.checkPeer(now, of) })
}
