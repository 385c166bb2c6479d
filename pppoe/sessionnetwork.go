package pppoe

import (
	"errors"
	"time"

	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// ErrDeviceLost is told by HostNetworkFailed when the network device of a session has gone,
// though we did not remove it.
var ErrDeviceLost = errors.New("the session's network device is gone: somebody else removed it")

// networkDown stops a family at once; the host's network follows.
func (l *loop) networkDown(now time.Time, s *sessionState, p ppp.Protocol) {
	l.dropDeviceQueue(s)
	flowed, before := false, s.configured
	if p == ppp.IPCP {
		flowed = s.configured.HasIPv4()
		s.desired.IPv4, s.configured.IPv4 = ipcp.Agreement{}, ipcp.Agreement{}
	} else {
		flowed = s.configured.HasIPv6()
		s.desired.IPv6, s.configured.IPv6 = ipv6cp.Agreement{}, ipv6cp.Agreement{}
	}
	if flowed {
		l.emit(now, s, NetworkLost{Protocol: p, Previous: before, Counters: l.path.Counters(s.SessionID), Uptime: now.Sub(s.firstConfigured)})
	}
	l.path.SetFamilies(s.SessionID, s.configured.HasIPv4(), s.configured.HasIPv6()) // not what the host is yet to be made for
	l.reconcile(s)
}

// reconcile has the host's network made as the tunnel wants it.
func (l *loop) reconcile(s *sessionState) {
	s.desired.info = s.SessionInfo
	l.reconciler.set(s, s.desired)
}

// reconciled heeds what has become of the host's network.
func (l *loop) reconciled(now time.Time, s *sessionState, f actual) {
	if f.gone {
		l.removeSession(now, s, f)
		return
	}
	l.owner.releaseAddresses(s, f.addressing)
	if s.endReason != nil || s.networkFailed {
		return
	}
	if f.err != nil {
		s.networkFailed = true
		l.emit(now, s, HostNetworkFailed{Err: f.err})
		l.closeSession(now, s, session.Reason{Cause: session.NetworkConfigFailed, Text: "no network device"})
		return
	}
	if s.Device == "" {
		s.Device = f.device
		l.emit(now, s, DeviceOpened{Name: f.device})
	}
	if f.addressing == s.desired.Addressing && (f.addressing.HasIPv4() || f.addressing.HasIPv6()) {
		l.path.SetMSS(s.SessionID, datapath.NewMSSLimit(f.addressing.MTU, l.mss))
		l.applyPolicy(s, f.addressing)
		l.path.SetFamilies(s.SessionID, f.addressing.HasIPv4(), f.addressing.HasIPv6())
		if s.firstConfigured.IsZero() {
			s.firstConfigured = now
		}
		s.limits.start(now)
		l.setTimer(now, s)
		before := s.configured
		s.configured = f.addressing
		l.emit(now, s, Configured{Addressing: f.addressing, Previous: before})
		l.flushDeviceQueue(s)
	}
}

// applyPolicy holds a session to its terms, before packets flow: to all of them, and to nothing that
// held before.
func (l *loop) applyPolicy(s *sessionState, a Addressing) {
	if s.policy.CheckSource {
		l.sourceFilters.set(s.SessionID, a, s.policy.FramedRoutes)
	} else {
		l.sourceFilters.clear(s.SessionID)
	}
	limited := s.policy.Up.Bits > 0 || s.policy.Down.Bits > 0
	if limited || s.rateLimited {
		l.path.SetRates(s.SessionID, s.policy.Up, s.policy.Down)
	}
	s.rateLimited = limited
}

// deviceLost ends a session whose device somebody else has removed.
func (l *loop) deviceLost(now time.Time, id uint16) {
	s := l.sessions[id]
	if s == nil || s.endReason != nil {
		return
	}
	l.emit(now, s, HostNetworkFailed{Err: ErrDeviceLost})
	l.closeSession(now, s, session.Reason{Cause: session.NetworkConfigFailed, Text: "no network device"})
}

// offloadChanged reports whether the Accelerator takes a session (nil), or why not.
func (l *loop) offloadChanged(now time.Time, id uint16, why error) {
	switch s := l.sessions[id]; {
	case s == nil:
	case why != nil:
		l.emit(now, s, NotOffloaded{Err: why})
	default:
		l.emit(now, s, Offloaded{Description: l.ports.Offload.Describe()})
	}
}
