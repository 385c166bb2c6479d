package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe/datapath"
)

// sourceFilters are where the packets of a loop's sessions may come from, as far as that is
// checked.
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

// set begins to check a session, or goes on with other addresses of its peer's.
func (s *sourceFilters) set(id uint16, a Addressing, behind []netip.Prefix) {
	var own []netip.Prefix
	if a.HasIPv4() {
		own = append(own, host(a.IPv4.Remote))
	}
	if a.HasIPv6() {
		own = append(own, host(a.IPv6.Remote.LinkLocal()))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.by[id]
	if k == nil {
		k = &sourcePrefixes{}
		s.by[id] = k
	}
	k.own, k.framed = own, behind
	s.apply(id, k)
}

// clear ends the check of a session.
func (s *sourceFilters) clear(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[id] != nil {
		delete(s.by, id)
		s.path.SetSourceFilter(id, nil)
	}
}

// host is the prefix of a single address.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// setDynamic says what a session's peer has beyond its own address. It says no if it is not
// checked here.
func (s *sourceFilters) setDynamic(id uint16, lent []netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.by[id]
	if k != nil {
		k.dynamic = slices.Clone(lent)
		s.apply(id, k)
	}
	return k != nil
}

// apply tells the path. The lock is held, so that the last that is told is the latest.
func (s *sourceFilters) apply(id uint16, k *sourcePrefixes) {
	s.path.SetSourceFilter(id, datapath.NewSourceFilter(slices.Concat(k.own, k.framed, k.dynamic)...))
}

// remove forgets a session that is over.
func (s *sourceFilters) remove(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, id)
}

// SetSourcePrefixes says which prefixes the peer of a session has beyond the addresses that were
// negotiated: those that were advertised to it, leased or delegated. They take the place of
// those named before. It holds until the session ends, and is ignored if there is no such
// session, no packet of it has been let through yet, or its sources are not checked. It may
// be called at any time, from any goroutine, also by Notify, and does not block.
func (s *Server) SetSourcePrefixes(sessionID uint16, prefixes []netip.Prefix) {
	for _, o := range s.loops() {
		if o.loop.sourceFilters.setDynamic(sessionID, prefixes) {
			return
		}
	}
}
