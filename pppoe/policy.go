package pppoe

import (
	"net/netip"
	"slices"
	"sync"

	"upppoe/pppoe/datapath"
)

// SessionPolicy are what a server holds a session to. The zero value holds it to nothing.
type SessionPolicy struct {
	// CheckSource drops packets from the peer whose source is not its own: of IPv4 not the
	// address that it has from IPCP, of IPv6 neither its link-local address (the negotiated
	// interface identifier, RFC 5072 section 5) nor of a prefix that Server.SetSourcePrefixes names. A
	// network behind the peer needs NAT there, or a place in Behind.
	CheckSource bool
	// FramedRoutes are prefixes of either family that are routed to the peer, and may be sources
	// too.
	FramedRoutes []netip.Prefix
	// Up bounds what comes from the peer, Down what goes to it.
	Up, Down datapath.Rate
}

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

// check begins to check a session, or goes on with other addresses of its peer's.
func (s *sourceFilters) check(id uint16, a Addressing, behind []netip.Prefix) {
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

// release ends the check of a session.
func (s *sourceFilters) release(id uint16) {
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

// forget forgets a session that is over.
func (s *sourceFilters) forget(id uint16) {
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
		if o.loop.sources.setDynamic(sessionID, prefixes) {
			return
		}
	}
}
