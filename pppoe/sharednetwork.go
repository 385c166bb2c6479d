package pppoe

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe/datapath"
)

// SharedNetwork is one network device for all sessions of a Server, in place of a HostNetwork with a
// device for each. The prefixes of a session are those of SessionPolicy.CheckSource, and no others
// may be sources: sessions of a shared device are always checked.
type SharedNetwork struct {
	Device *datapath.SharedDevice
	Routes PrefixRouter // nil: the host routes all prefixes to the device already
}

// PrefixRouter routes prefixes to a shared device. Its methods must not block. They are called by the
// goroutines of Listeners, and for one session in order.
type PrefixRouter interface {
	// NeedsRoute reports whether a session's prefix needs a route of its own, as it is in none of the
	// pools, which are routed to the device as a whole.
	NeedsRoute(netip.Prefix) bool
	// SetRoutes changes the prefixes that are routed to the device for a session.
	SetRoutes(s SessionInfo, have, want []netip.Prefix)
}

// errNoPeerAddress is why a session of a shared device fails whose peer has no IPv4 address: packets
// to it could not be told from those to others.
var errNoPeerAddress = errors.New("the peer has no IPv4 address, which a session of a shared device needs: assign one by a pool or an account")

// applyShared makes what sessions have of the shared device what they want. It runs after a step of
// the loop, because events of a session must not change it while its own step is in progress.
func (l *loop) applyShared(now time.Time) {
	if len(l.sharedPending) == 0 {
		return
	}
	for len(l.sharedPending) > 0 {
		s := l.sharedPending[0]
		l.sharedPending = l.sharedPending[1:]
		s.sharedPending = false
		l.reconciled(now, s, l.reconcileShared(s))
	}
	l.sharedPending = nil
}

// reconcileShared changes the session's part of the shared device.
func (l *loop) reconcileShared(s *sessionState) (a actual) {
	if !s.desired.device {
		if s.path != nil {
			a.counters = s.path.Remove()
		}
		l.routeShared(s, nil)
		a.gone = true
		return a
	}
	a.device, a.path, a.addressing = l.shared.Device.Name(), s.path, s.desired.addressing()
	if a.path == nil {
		info := s.info()
		if a.path, a.err = l.path.Add(info.pathConfig(nil, l.shared.Device)); a.err != nil {
			return a
		}
		s.path = a.path // removed with the session, whatever fails
	}
	prefixes, err := s.sharedPrefixes()
	if s.policy.VRF != "" {
		err = errSharedVRF
	}
	if err == nil {
		err = a.path.SetPrefixes(prefixes)
	}
	if a.err = err; err == nil {
		l.routeShared(s, prefixes)
	}
	return a
}

// sharedPrefixes returns the prefixes of a session in its open address families.
func (s *sessionState) sharedPrefixes() (all []netip.Prefix, err error) {
	want := &s.desired
	if want.has(ppp.IPv4) {
		remote := want.IPv4.remote.addr()
		if !remote.IsValid() || remote.IsUnspecified() {
			return nil, errNoPeerAddress
		}
		all = append(all, hostPrefix(remote))
	}
	if want.has(ppp.IPv6) {
		all = append(all, hostPrefix(want.IPv6.Remote.LinkLocal()))
	}
	for _, more := range [...][]netip.Prefix{s.policy.AllowSources, s.policy.FramedRoutes, s.dynamic()} {
		for _, p := range more {
			if p.IsValid() && (p.Addr().Is4() && want.has(ppp.IPv4) || p.Addr().Is6() && want.has(ppp.IPv6)) && !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all, nil
}

// routeShared sets the routes of a session's prefixes that are outside of the pools.
func (l *loop) routeShared(s *sessionState, prefixes []netip.Prefix) {
	if l.shared.Routes == nil {
		return
	}
	var want []netip.Prefix
	for _, p := range prefixes {
		if !p.Addr().IsLinkLocalUnicast() && l.shared.Routes.NeedsRoute(p) {
			want = append(want, p)
		}
	}
	have := l.sharedRoutes[s]
	if slices.Equal(have, want) {
		return
	}
	l.shared.Routes.SetRoutes(s.info(), have, want)
	if l.sharedRoutes[s] = want; len(want) == 0 {
		delete(l.sharedRoutes, s)
	}
}

// pathOf returns the session of a key in the data path; nil: it is not one of this loop's. It may be
// called from any goroutine.
func (l *loop) pathOf(k SessionKey) datapath.Session {
	return l.engine.Find(l.frameKeyOf(k), k.Generation)
}

func (l *loop) hasPath(k SessionKey) bool { return l.pathOf(k) != nil }
