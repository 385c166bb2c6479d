package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"upppoe/internal/ratelimit"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// sessionOverlaps warns of framed routes of a session that contain, or are within, framed routes or prefixes that the
// policies of other sessions have: one with the longer prefix has the packets. Sessions of one user may overlap; that
// two have the same framed route is prevented by package pppoe.
type sessionOverlaps struct {
	log     *slog.Logger
	limiter *ratelimit.Limiter

	mu        sync.Mutex
	by        map[uint64][]prefixHolder // by the generations of the sessions that have any
	vrfs      map[string]*prefixTree
	announced map[overlapPair]struct{}
}

// prefixHolder is a session with a prefix of its policy.
type prefixHolder struct {
	prefix     netip.Prefix
	what       string
	vrf, user  string
	generation uint64
	sessionID  uint16
	peer       wire.Addr
}

// Kinds of prefixes.
const (
	framedRoute     = "framed route"
	delegatedPrefix = "delegated prefix"
	networkPrefix   = "IPv6 prefix"
)

// overlapPair are two prefixes of two users, the longer one first.
type overlapPair struct {
	inner, outer         netip.Prefix
	innerUser, outerUser string
}

const (
	maxAnnouncedPairs = 4096 // that are remembered
	maxCompared       = 64   // overlapping prefixes that a prefix is compared with
)

func newSessionOverlaps(log *slog.Logger, limiter *ratelimit.Limiter) *sessionOverlaps {
	return &sessionOverlaps{
		log: log, limiter: limiter, by: make(map[uint64][]prefixHolder), vrfs: make(map[string]*prefixTree), announced: make(map[overlapPair]struct{}),
	}
}

// notify handles events of sessions.
func (o *sessionOverlaps) notify(l pppoe.SessionInfo, e pppoe.Event) {
	switch e := e.(type) {
	case pppoe.PolicyChanged:
		o.set(l, e.Policy)
	case pppoe.Ended:
		o.set(l, nil)
	default:
		if p := policyOf(e); p != nil {
			o.set(l, p)
		}
	}
}

// set sets the policy of a session; nil: it has ended.
func (o *sessionOverlaps) set(l pppoe.SessionInfo, p *pppoe.SessionPolicy) {
	after := holdersOf(l, p)
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.by[l.Generation]
	if slices.Equal(before, after) { // as when the second address family comes up
		return
	}
	for _, h := range before {
		t := o.vrfs[h.vrf]
		if t.remove(h); t.isEmpty() {
			delete(o.vrfs, h.vrf)
		}
	}
	delete(o.by, l.Generation)
	for _, h := range after {
		t := o.vrfs[h.vrf]
		if t == nil {
			t = &prefixTree{}
			o.vrfs[h.vrf] = t
		}
		o.compare(t, h)
		t.add(h)
	}
	if len(after) > 0 {
		o.by[l.Generation] = after
	}
}

// holdersOf returns a session's prefixes.
func holdersOf(l pppoe.SessionInfo, p *pppoe.SessionPolicy) (all []prefixHolder) {
	if p == nil {
		return nil
	}
	add := func(what string, prefix netip.Prefix) {
		if prefix.IsValid() {
			all = append(all, prefixHolder{prefix.Masked(), what, p.VRF, l.User, l.Generation, l.SessionID, l.Peer})
		}
	}
	for _, prefix := range p.FramedRoutes {
		add(framedRoute, prefix)
	}
	add(delegatedPrefix, p.DelegatedPrefix)
	add(networkPrefix, p.IPv6Prefix)
	return all
}

// compare warns of what a new prefix overlaps with. o.mu is held.
func (o *sessionOverlaps) compare(t *prefixTree, h prefixHolder) {
	n := 0
	for other := range t.overlapping(h.prefix) {
		if n++; n > maxCompared {
			return
		}
		if h.isDistinct(other) {
			inner, outer := h, other
			if inner.prefix.Bits() < outer.prefix.Bits() {
				inner, outer = outer, inner
			}
			o.warn(inner, outer)
		}
	}
}

// isDistinct reports whether an overlap of two prefixes is to be warned of.
func (h prefixHolder) isDistinct(other prefixHolder) bool {
	switch {
	case h.generation == other.generation || h.user != "" && h.user == other.user:
		return false
	case h.what == framedRoute && other.what == framedRoute:
		return h.prefix != other.prefix
	}
	return h.what == framedRoute || other.what == framedRoute
}

// warn warns of an overlap, once for two users. o.mu is held.
func (o *sessionOverlaps) warn(inner, outer prefixHolder) {
	pair := overlapPair{inner.prefix, outer.prefix, inner.user, outer.user}
	if _, announced := o.announced[pair]; announced {
		return
	}
	if ok, _ := o.limiter.Allow(time.Now()); !ok {
		return
	}
	if len(o.announced) >= maxAnnouncedPairs {
		clear(o.announced)
	}
	o.announced[pair] = struct{}{}
	relation, effect := "is within", fmt.Sprintf("packets to it go to user %q alone", wire.EscapeName(inner.user))
	if inner.prefix == outer.prefix {
		relation, effect = "is also", "only one of them can have its packets"
	}
	o.log.Warn(fmt.Sprintf("%v %s %v: %s: give each user prefixes of its own", inner, relation, outer.owned(), effect))
}

// String returns the session, and what it has.
func (h prefixHolder) String() string {
	return fmt.Sprintf("%s: the %s %v", h.session(), h.what, h.prefix)
}

// owned is String in the other order.
func (h prefixHolder) owned() string {
	return fmt.Sprintf("the %s %v of %s", h.what, h.prefix, h.session())
}

func (h prefixHolder) session() string {
	return fmt.Sprintf("user %q, session %d of %v", wire.EscapeName(h.user), h.sessionID, h.peer)
}
