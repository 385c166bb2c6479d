package session

import (
	"errors"
	"time"

	"upppoe/ppp"
)

// layer is one network control protocol of the session.
type layer struct {
	policy interface {
		ppp.Negotiator
		Err() error
	}
	machine *ppp.Automaton
	up      bool // packets of its family may flow
	wasUp   bool // they may, or might once
	failed  bool
}

func (s *Session) addLayer(p interface {
	ppp.Negotiator
	Err() error
}, limits ppp.Limits) {
	if limits.RoundTrip == 0 {
		limits.RoundTrip = s.cfg.LCP.Limits.RoundTrip
	}
	s.layers = append(s.layers, &layer{policy: p, machine: ppp.NewAutomaton(p, limits)})
}

// ErrNoAgreement is why a network protocol did not open: the peer does not
// answer, or does not agree.
var ErrNoAgreement = errors.New("peer does not agree, or does not answer")

func (s *Session) openLayers(now time.Time, out *Output) {
	for _, l := range s.layers {
		l.wasUp, l.failed = false, false
		l.machine.SetPeerMRU(s.link.PeerMRU())
		l.machine.Open(now, &out.Frames)
		l.machine.Up(now, &out.Frames)
	}
}

// lowerLayers tells the network protocols that their link is gone.
func (s *Session) lowerLayers(now time.Time, out *Output) {
	for _, l := range s.layers {
		l.machine.Down(now)
		s.settleLayer(now, l, out)
	}
}

// A peer may negotiate anew what is open, as an LNS behind an LAC does. But each time the
// host's network is made anew, scripts run and the log tells of it, so that a peer that never
// ceases to is hung up on: after ten times in a minute, with two families.
const (
	maxUps = 30
	upsIn  = time.Minute
)

// countUp counts the begin of the network phase, or of a protocol in it.
func (s *Session) countUp(now time.Time) {
	if now.Sub(s.upsSince) >= upsIn {
		s.ups, s.upsSince = 0, now
	}
	s.ups++
}

// settleLayers tells which families may flow, and closes a link on which none
// ever will. A family that was up and then closed does not end the link (RFC
// 1661 section 3.7).
func (s *Session) settleLayers(now time.Time, out *Output) {
	hopeless := len(s.layers) > 0
	for _, l := range s.layers {
		s.settleLayer(now, l, out)
		hopeless = hopeless && l.failed
	}
	switch {
	case s.ups > maxUps:
		s.ups = 0
		s.closeFor(now, NotNegotiated, "Peer negotiates anew too often", out)
		s.settle(now, out)
	case hopeless:
		s.closeFor(now, NotNegotiated, "No network protocols running", out)
		s.settle(now, out)
	}
}

func (s *Session) settleLayer(now time.Time, l *layer, out *Output) {
	opened := l.machine.State() == ppp.Opened
	if opened && !l.up {
		if err := l.policy.Err(); err != nil {
			l.machine.Close(now, err.Error(), &out.Frames)
			s.fail(l, err, out)
			return
		}
		l.up, l.wasUp, l.failed = true, true, false
		s.countUp(now)
		s.tellUp(l, out)
	}
	if !opened && l.up {
		l.up = false
		out.emit(NetworkDown{Protocol: l.policy.Protocol()})
	}
	if over := l.machine.State() == ppp.Stopped || l.machine.State() == ppp.Closed; over && !l.wasUp {
		s.fail(l, ErrNoAgreement, out)
	}
}

func (s *Session) fail(l *layer, err error, out *Output) {
	if !l.failed {
		l.failed = true
		out.emit(NetworkFailed{Protocol: l.policy.Protocol(), Err: err})
	}
}

func (s *Session) tellUp(l *layer, out *Output) {
	if l.policy.Protocol() == ppp.IPCP {
		out.emit(IPv4Up{Agreement: s.v4.Agreement()})
		return
	}
	out.emit(IPv6Up{Agreement: s.v6.Agreement()})
}
