package session

import (
	"cmp"
	"errors"
	"time"

	"upppoe/ppp"
)

// layer is one network control protocol of the session.
type layer struct {
	automaton ppp.Automaton
	layerState
}

// layerState is what became of a layer.
type layerState struct {
	up     bool // packets of its family may be sent
	wasUp  bool // up, or was up before in this network phase
	failed bool
}

func (s *Session) addLayer(n ppp.Negotiator, limits *ppp.NegotiationLimits) *layer {
	l := &s.networks[s.layerCount]
	s.layerCount++
	l.automaton.Init(n, limits)
	if limits.RoundTrip == 0 {
		l.automaton.SetRoundTrip(cmp.Or(s.roundTrip, s.cfg.LCP.Limits.RoundTrip))
	}
	return l
}

// layers returns the network control protocols that are configured.
func (s *Session) layers() []layer { return s.networks[:s.layerCount] }

// agreementErr returns nil, or the reason why what a layer has agreed on cannot be used.
func (s *Session) agreementErr(l *layer) error {
	if l.automaton.Protocol() == ppp.IPCP {
		return s.v4.Err()
	}
	return s.v6.Err()
}

// ErrNoAgreement is the reason why a network protocol did not open: the peer does not
// answer, or does not agree.
var ErrNoAgreement = errors.New("peer does not agree, or does not answer")

func (s *Session) openLayers(now time.Time, out *Output) {
	for i := range s.layers() {
		l := &s.layers()[i]
		l.wasUp, l.failed = false, false
		l.automaton.SetPeerMRU(s.link.PeerMRU())
		l.automaton.Open(now, &out.Frames)
		l.automaton.Up(now, &out.Frames)
	}
}

// lowerLayers reports to the network protocols that the link is down.
func (s *Session) lowerLayers(now time.Time, out *Output) {
	for i := range s.layers() {
		s.layers()[i].automaton.Down(now)
		s.updateLayer(now, &s.layers()[i], out)
	}
}

// A peer may renegotiate an open protocol, as an LNS behind an LAC does. But each time
// the host's network is configured again, scripts run, and lines are logged. A peer that
// does so without end is disconnected: after ten times in a minute, with two families.
const (
	maxUps    = 30
	upsPeriod = 60 // seconds
)

// countUp counts each begin of the network phase and each protocol that comes up.
func (s *Session) countUp(now time.Time) {
	if elapsed := now.Unix() - s.upsSince; elapsed < 0 || elapsed >= upsPeriod {
		s.ups, s.upsSince = 0, now.Unix()
	}
	s.ups++
}

// updateLayers reports which families are up, and closes a link on which all network
// protocols have failed. A family that was up and then closed does not close the link
// (RFC 1661 section 3.7).
func (s *Session) updateLayers(now time.Time, out *Output) {
	allFailed := len(s.layers()) > 0
	for i := range s.layers() {
		s.updateLayer(now, &s.layers()[i], out)
		allFailed = allFailed && s.layers()[i].failed
	}
	switch {
	case s.ups > maxUps:
		s.ups = 0
		s.closeFor(now, CauseNotNegotiated, "Peer renegotiates too often", out)
		s.updatePhase(now, out)
	case allFailed:
		s.closeFor(now, CauseNotNegotiated, "No network protocols running", out)
		s.updatePhase(now, out)
	}
}

func (s *Session) updateLayer(now time.Time, l *layer, out *Output) {
	opened := l.automaton.State() == ppp.Opened
	if opened && !l.up {
		if err := s.agreementErr(l); err != nil {
			l.automaton.Close(now, err.Error(), &out.Frames)
			s.fail(l, err, out)
			return
		}
		l.up, l.wasUp, l.failed = true, true, false
		s.countUp(now)
		s.emitUp(l, out)
	}
	if !opened && l.up {
		l.up = false
		out.emit(NetworkDown{Protocol: l.automaton.Protocol()})
	}
	if over := l.automaton.State() == ppp.Stopped || l.automaton.State() == ppp.Closed; over && !l.wasUp {
		s.fail(l, ErrNoAgreement, out)
	}
}

func (s *Session) fail(l *layer, err error, out *Output) {
	if !l.failed {
		l.failed = true
		out.emit(NetworkFailed{Protocol: l.automaton.Protocol(), Err: err})
	}
}

func (s *Session) emitUp(l *layer, out *Output) {
	if l.automaton.Protocol() == ppp.IPCP {
		out.emit(IPv4Up{Agreement: s.v4.Agreement()})
		return
	}
	out.emit(IPv6Up{Agreement: s.v6.Agreement()})
}
