package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe/datapath"
)

// sourceFilters are the source filters of a loop's sessions: from which prefixes their packets may
// come. It may be used concurrently.
type sourceFilters struct {
	mu sync.Mutex
	by map[uint64]*sourcePrefixes // by the generations of their sessions
}

// sourcePrefixes are the prefixes of one session.
type sourcePrefixes struct {
	path                          datapath.Session
	own, allowed, framed, dynamic []netip.Prefix
}

func newSourceFilters() *sourceFilters { return &sourceFilters{by: make(map[uint64]*sourcePrefixes)} }

// set sets the filter of a session from its peer's addresses and its policy. Dynamic prefixes stay.
func (s *sourceFilters) set(of *sessionState, a Addressing) {
	var own []netip.Prefix
	if a.HasIPv4() {
		own = append(own, hostPrefix(a.IPv4.Remote))
	}
	if a.HasIPv6() {
		own = append(own, hostPrefix(a.IPv6.Remote.LinkLocal()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[of.Generation]
	if p == nil {
		p = &sourcePrefixes{path: of.path}
		s.by[of.Generation] = p
	}
	p.own, p.allowed, p.framed = own, of.policy.AllowSources, of.policy.FramedRoutes
	p.apply()
}

// clear removes the filter of a session, and reports whether it had one.
func (s *sourceFilters) clear(generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.by[generation] != nil
	delete(s.by, generation)
	return had
}

// hostPrefix returns the prefix of a single address.
func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// setDynamic replaces the dynamic prefixes of a session. It reports whether the session has a
// filter here.
func (s *sourceFilters) setDynamic(generation uint64, prefixes []netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[generation]
	if p != nil {
		p.dynamic = slices.Clone(prefixes)
		p.apply()
	}
	return p != nil
}

// dynamicOf returns the dynamic prefixes of a session; it must not change them.
func (s *sourceFilters) dynamicOf(generation uint64) []netip.Prefix {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.by[generation]; p != nil {
		return p.dynamic
	}
	return nil
}

// apply sets the data path's filter. It is called with the lock held, so that the latest call sets
// it last.
func (p *sourcePrefixes) apply() {
	p.path.SetSourceFilter(datapath.NewSourceFilter(slices.Concat(p.own, p.allowed, p.framed, p.dynamic)...))
}
