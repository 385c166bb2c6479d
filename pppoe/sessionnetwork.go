package pppoe

import (
	"errors"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe/datapath"
)

// ErrDeviceLost is the error of HostNetworkFailed when a session's network device was removed by
// another process.
var ErrDeviceLost = errors.New("the session's network device was removed by another process")

// configured is what Configured has last reported, except for families that have gone down since. The
// agreement of an open family is the desired one: it changes only after the family was down.
type configured struct {
	mtu        uint16
	ipv4, ipv6 bool
}

// configuredBy returns what a Configured reports.
func configuredBy(a Addressing) configured {
	return configured{uint16(a.MTU), a.HasIPv4(), a.HasIPv6()}
}

// configuredAddressing returns what Configured has last reported.
func (s *sessionState) configuredAddressing() Addressing {
	a := Addressing{MTU: int(s.configured.mtu), VRF: s.policy.VRF}
	if s.configured.ipv4 {
		a.IPv4 = s.desired.IPv4.full()
	}
	if s.configured.ipv6 {
		a.IPv6 = s.desired.IPv6
	}
	return a
}

// networkDown stops the packets of an address family at once; the host's network follows.
func (l *loop) networkDown(now time.Time, s *sessionState, p ppp.Protocol) {
	l.dropDeviceQueue(s)
	l.dropHeldAck(s, p)
	flowed, before := false, s.configuredAddressing()
	if p == ppp.IPCP {
		flowed = s.configured.ipv4
		s.desired.IPv4, s.configured.ipv4 = agreement{}, false
	} else {
		flowed = s.configured.ipv6
		s.desired.IPv6, s.configured.ipv6 = ipv6cp.Agreement{}, false
	}
	// Until it is closed, what Notify is called for can send a last packet; a peer that has ended the
	// session gets none.
	if s.noPADT && s.path != nil {
		s.path.SetFamilies(s.configured.ipv4, s.configured.ipv6)
	}
	if flowed {
		l.emit(now, s, NetworkLost{Protocol: p, Previous: before, Prefixes: l.dynamicPrefixesOf(s), Counters: s.counters(), Uptime: s.firstConfigured.until(now)})
	}
	if s.path != nil {
		s.path.SetFamilies(s.configured.ipv4, s.configured.ipv6) // excludes what is not configured yet
	}
	if !l.isServer || l.shared != nil || !s.isTerminating() {
		l.reconcile(s)
	}
}

// isTerminating reports whether the session's link is going down. A server then leaves the addresses
// on the session's device until the device is removed, which takes less time.
func (s *sessionState) isTerminating() bool {
	phase := s.ppp.Phase()
	return phase == session.PhaseTerminate || phase == session.PhaseDead
}

// reconcile requests the host's network that the session now needs.
func (l *loop) reconcile(s *sessionState) {
	switch {
	case l.shared == nil:
		l.reconciler.set(s, s.desiredNetwork())
	case !s.sharedPending:
		s.sharedPending = true
		l.sharedPending = append(l.sharedPending, s)
	}
}

// reconciled handles a report of the reconciler: what the session's host network now is.
func (l *loop) reconciled(now time.Time, s *sessionState, a actual) {
	if a.gone {
		l.removeSession(now, s, a)
		return
	}
	l.owner.releaseAddresses(s, a.addressing)
	if s.endReason != nil || s.networkFailed {
		return
	}
	if s.Device == "" && a.device != "" {
		l.deviceOpened(now, s, a)
	}
	if a.err != nil {
		l.networkFailure(now, s, a.err)
		return
	}
	if a.addressing == s.desiredAddressing() && a.addressing != s.configuredAddressing() && (a.addressing.HasIPv4() || a.addressing.HasIPv6()) {
		l.applyPolicy(s, a.addressing)
		l.sendConfiguredAcks(now, s, a.addressing)
		s.path.SetFamilies(a.addressing.HasIPv4(), a.addressing.HasIPv6())
		if s.firstConfigured.isNone() {
			s.firstConfigured = momentOf(now)
		}
		s.limits.start(now)
		l.setTimer(now, s)
		before := s.configuredAddressing()
		s.configured = configuredBy(a.addressing)
		if s.isBeingAdopted() {
			l.announceAdopted(now, s)
		} else {
			l.emit(now, s, Configured{Addressing: a.addressing, Previous: before, Policy: s.policy})
		}
		l.flushDeviceQueue(s)
	}
}

// deviceOpened handles that a session has its device.
func (l *loop) deviceOpened(now time.Time, s *sessionState, a actual) {
	s.Device, s.path = a.device, a.path
	if s.adopted != nil {
		s.path.AddCounters(s.adopted.counters)
		s.adopted.counters = datapath.Counters{}
	}
	if !s.isBeingAdopted() {
		l.emit(now, s, DeviceOpened{Name: a.device})
	}
}

// sendConfiguredAcks sends the Acks of the families that are configured, at once: packets of the device,
// which the data path sends, must not overtake them.
func (l *loop) sendConfiguredAcks(now time.Time, s *sessionState, has Addressing) {
	if l.heldAcks[s] == nil {
		return
	}
	if has.HasIPv4() {
		l.sendHeldAck(now, s, ppp.IPCP)
	}
	if has.HasIPv6() {
		l.sendHeldAck(now, s, ppp.IPv6CP)
	}
	l.sendFrames()
}

// deviceLost ends a session whose device was removed by another process.
func (l *loop) deviceLost(now time.Time, c datapath.SessionConfig) {
	s := l.sessionOf(c)
	if s == nil || s.endReason != nil {
		return
	}
	l.emit(now, s, HostNetworkFailed{Err: ErrDeviceLost})
	l.closeSession(now, s, session.Reason{Cause: session.CauseNetworkConfigFailed, Text: "no network device"})
}
