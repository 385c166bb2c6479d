package pppoe

import (
	"net/netip"
	"sync"
	"time"
)

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
// their peers are checked.
func (l *serverLoop) claimFramedRoutes(now time.Time, s *sessionState, before, after *SessionPolicy) {
	if len(before.FramedRoutes) == 0 && len(after.FramedRoutes) == 0 {
		return
	}
	l.server.framed.release(before, s)
	older, kept := l.server.framed.claim(after, sessionRef{l, s, s.User}, func(older sessionRef) bool {
		return !l.server.current.Load().KeepOlder && s.User != "" && s.User == older.user
	})
	for _, ref := range older {
		end := func(now time.Time) {
			ref.owner.loop.replaceSession(now, ref.state, "framed route is taken over by a newer session")
		}
		if ref.owner != l {
			ref.call(end)
		} else if ref.state.endReason == nil { // at once, before the prefixes are set for the newer one
			end(now)
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
