package pppoe

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// ErrFramedRouteInUse: another session has a framed route.
var ErrFramedRouteInUse = errors.New("pppoe: another session has the framed route")

// framedClaims has the sessions that have framed routes. It may be used concurrently.
type framedClaims struct {
	mu sync.Mutex
	by map[framedRoute]sessionRef
}

// framedRoute is a framed route: VRFs may have the same ones.
type framedRoute struct {
	vrf    string
	prefix netip.Prefix
}

func newFramedClaims() *framedClaims { return &framedClaims{by: make(map[framedRoute]sessionRef)} }

// claim gives a session the framed routes of a policy that no other has, and those of older sessions that
// it replaces, which it returns.
func (f *framedClaims) claim(policy *SessionPolicy, by sessionRef, replaces func(older sessionRef) bool) (older, kept []sessionRef) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, prefix := range policy.FramedRoutes {
		p := framedRoute{policy.VRF, prefix}
		switch holder, held := f.by[p]; {
		case held && holder.state == by.state:
		case held && !replaces(holder):
			kept = append(kept, holder)
		default:
			if held {
				older = append(older, holder)
			}
			f.by[p] = by
		}
	}
	return older, kept
}

// holder returns the session that has a framed route; nil: none has.
func (f *framedClaims) holder(p framedRoute) *sessionState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.by[p].state
}

// checkFramedRoutes returns ErrFramedRouteInUse if a framed route that is new to a session's policy is one of another
// session, or its IPv4 address. One around it, or within another's, is legitimate: the longest prefix counts.
func (s *Server) checkFramedRoutes(of *sessionState, after *SessionPolicy) error {
	for _, prefix := range after.FramedRoutes {
		if slices.Contains(of.policy.FramedRoutes, prefix) {
			continue
		}
		if holder := s.framed.holder(framedRoute{after.VRF, prefix}); holder != nil && holder != of {
			return fmt.Errorf("%w: %v", ErrFramedRouteInUse, prefix)
		}
		if holder := s.addresses.holder(prefix.Addr()); prefix.IsSingleIP() && holder != nil && holder != of {
			return fmt.Errorf("%w: %v is its address", ErrFramedRouteInUse, prefix.Addr())
		}
	}
	return nil
}

// release takes the framed routes of a policy from a session, except those that another one has by now.
func (f *framedClaims) release(policy *SessionPolicy, s *sessionState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, prefix := range policy.FramedRoutes {
		if p := (framedRoute{policy.VRF, prefix}); f.by[p].state == s {
			delete(f.by, p)
		}
	}
}

// claimFramedRoutes ends older sessions of the same user that have one of the session's framed routes:
// their client is usually gone, as after a power cut, and has returned in this session. A session with a
// prefix of another user ends when the prefix cannot be routed to it. Where older sessions are kept,
// their peers are checked. A pool assigns an address that is a framed route only when it has no other.
func (l *serverLoop) claimFramedRoutes(now time.Time, s *sessionState, before, after *SessionPolicy) {
	if len(before.FramedRoutes) == 0 && len(after.FramedRoutes) == 0 {
		return
	}
	l.server.framed.release(before, s)
	older, kept := l.server.framed.claim(after, sessionRef{l, s, s.User}, func(older sessionRef) bool {
		return !l.server.current.Load().KeepOlder && s.User != "" && s.User == older.user
	})
	for _, prefix := range after.FramedRoutes {
		if prefix.IsSingleIP() {
			l.server.addresses.reserve(prefix.Addr())
		}
	}
	for _, ref := range older {
		end := func(now time.Time) {
			ref.owner.loop.replaceSession(now, ref.state, "framed route is taken over by a newer session")
		}
		if ref.owner != l {
			ref.call(end)
		} else if ref.state.endReason == nil { // at once, before the prefixes are set for the newer one
			ref.owner.loop.afterAdoption(now, ref.state, end)
		}
	}
	for _, ref := range kept {
		ref.call(func(now time.Time) { ref.owner.checkPeer(now, ref.state) })
	}
}

// IsRoutable reports whether a prefix can be routed to a peer (SessionPolicy.FramedRoutes): it is not the
// default route, nor of addresses that only have a meaning on a link or within a machine.
func IsRoutable(p netip.Prefix) bool {
	a := p.Addr()
	return p.Bits() > 0 && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
}
