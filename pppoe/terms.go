package pppoe

import (
	"net/netip"
	"slices"
	"sync"
)

// Terms are what a server holds a session to. The zero value holds it to nothing.
type Terms struct {
	// CheckSource drops packets from the peer whose source is not its own: of IPv4 not the
	// address that it has from IPCP, of IPv6 neither its link-local address (the negotiated
	// interface identifier, RFC 5072 section 5) nor of a prefix that Server.Lend names. A
	// network behind the peer needs NAT there, or a place in Behind.
	CheckSource bool
	// Behind are prefixes of either family that are routed to the peer, and may be sources
	// too.
	Behind []netip.Prefix
	// Up bounds what comes from the peer, Down what goes to it.
	Up, Down Rate
}

// sources are where the packets of a loop's sessions may come from, as far as that is
// checked.
type sources struct {
	path Path

	mu sync.Mutex
	by map[uint16]*known
}

// known are the prefixes of one session.
type known struct{ own, behind, lent []netip.Prefix }

func newSources(path Path) *sources { return &sources{path: path, by: make(map[uint16]*known)} }

// check begins to check a session, or goes on with other addresses of its peer's.
func (s *sources) check(id uint16, a Addressing, behind []netip.Prefix) {
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
		k = &known{}
		s.by[id] = k
	}
	k.own, k.behind = own, behind
	s.apply(id, k)
}

// release ends the check of a session.
func (s *sources) release(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[id] != nil {
		delete(s.by, id)
		s.path.Guard(id, nil)
	}
}

// host is the prefix of a single address.
func host(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// lend says what a session's peer has beyond its own address. It says no if it is not
// checked here.
func (s *sources) lend(id uint16, lent []netip.Prefix) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.by[id]
	if k != nil {
		k.lent = slices.Clone(lent)
		s.apply(id, k)
	}
	return k != nil
}

// apply tells the path. The lock is held, so that the last that is told is the latest.
func (s *sources) apply(id uint16, k *known) {
	s.path.Guard(id, NewSources(slices.Concat(k.own, k.behind, k.lent)...))
}

// forget forgets a session that is over.
func (s *sources) forget(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, id)
}

// Lend says which prefixes the peer of a session has beyond the addresses that were
// negotiated: those that were advertised to it, leased or delegated. They take the place of
// those named before. It holds until the session ends, and is ignored if there is no such
// session, no packet of it has been let through yet, or its sources are not checked. It may
// be called at any time, from any goroutine, also by Notify, and does not block.
func (s *Server) Lend(sessionID uint16, prefixes []netip.Prefix) {
	for _, o := range s.loops() {
		if o.loop.sources.lend(sessionID, prefixes) {
			return
		}
	}
}
