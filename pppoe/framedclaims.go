package pppoe

import (
	"net/netip"
	"sync"
	"time"
)

// framedClaims has the sessions that have framed routes, by prefix. It may be used concurrently.
type framedClaims struct {
	mu sync.Mutex
	by map[netip.Prefix]sessionRef
}

func newFramedClaims() *framedClaims { return &framedClaims{by: make(map[netip.Prefix]sessionRef)} }

// claim gives a session the prefixes that no other has, and those of older sessions that it replaces,
// which it returns.
func (f *framedClaims) claim(prefixes []netip.Prefix, by sessionRef, replaces func(older sessionRef) bool) (older, kept []sessionRef) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range prefixes {
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

// release takes prefixes from a session, except those that another one has by now.
func (f *framedClaims) release(prefixes []netip.Prefix, s *sessionState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range prefixes {
		if f.by[p].state == s {
			delete(f.by, p)
		}
	}
}

// claimFramedRoutes ends older sessions of the same user that have one of the session's framed routes:
// their client is usually gone, as after a power cut, and has returned in this session. A session with a
// prefix of another user ends when the prefix cannot be routed to it. Where older sessions are kept,
// their peers are checked.
func (l *serverLoop) claimFramedRoutes(now time.Time, s *sessionState, before, after []netip.Prefix) {
	if len(before) == 0 && len(after) == 0 {
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
