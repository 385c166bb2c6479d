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
	path datapath.Path

	mu sync.Mutex
	by map[uint16]*sourcePrefixes
}

// sourcePrefixes are the prefixes of one session.
type sourcePrefixes struct{ own, framed, dynamic []netip.Prefix }

func newSourceFilters(path datapath.Path) *sourceFilters {
	return &sourceFilters{path: path, by: make(map[uint16]*sourcePrefixes)}
}

// set sets the filter of a session from its peer's addresses and framed routes. Dynamic prefixes
// stay.
func (s *sourceFilters) set(id uint16, a Addressing, framedRoutes []netip.Prefix) {
	var own []netip.Prefix
	if a.HasIPv4() {
		own = append(own, hostPrefix(a.IPv4.Remote))
	}
	if a.HasIPv6() {
		own = append(own, hostPrefix(a.IPv6.Remote.LinkLocal()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[id]
	if p == nil {
		p = &sourcePrefixes{}
		s.by[id] = p
	}
	p.own, p.framed = own, framedRoutes
	s.apply(id, p)
}

// clear removes the filter of a session.
func (s *sourceFilters) clear(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[id] != nil {
		delete(s.by, id)
		s.path.SetSourceFilter(id, nil)
	}
}

// hostPrefix returns the prefix of a single address.
func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// setDynamic replaces the dynamic prefixes of a session. It reports whether the session has a
// filter here.
func (s *sourceFilters) setDynamic(id uint16, prefixes []netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.by[id]
	if p != nil {
		p.dynamic = slices.Clone(prefixes)
		s.apply(id, p)
	}
	return p != nil
}

// apply sets the data path's filter. It is called with the lock held, so that the latest call sets
// it last.
func (s *sourceFilters) apply(id uint16, p *sourcePrefixes) {
	s.path.SetSourceFilter(id, datapath.NewSourceFilter(slices.Concat(p.own, p.framed, p.dynamic)...))
}

// remove removes a session that has ended.
func (s *sourceFilters) remove(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, id)
}
