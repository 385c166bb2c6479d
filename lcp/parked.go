package lcp

import (
	"time"

	"upppoe/ppp"
)

// Parked is what an open link needs, in about half the memory: thousands are open for hours, with
// nothing but an Echo-Request now and then.
type Parked struct {
	automaton ppp.Parked
	echo      keepalive
	path      *pathCheck
	options   options
	roundTrip roundTrip
}

// Park returns what Unpark makes the same link of. It returns false if there is more to keep.
func (l *Link) Park() (p Parked, ok bool) {
	automaton, ok := l.automaton.Park()
	if !ok || l.State() != ppp.Opened || l.rejected != 0 || l.negotiator.unsupportedAuth != "" {
		return p, false
	}
	return Parked{automaton, l.echo, l.path, l.negotiator.options, l.roundTrip}, true
}

// Unpark makes a link that is part of another struct the one that was parked. The configuration is
// the same as before, and so is the round-trip time (Peer).
func (l *Link) Unpark(cfg *Config, roundTrip time.Duration, p *Parked) {
	*l = Link{negotiator: negotiator{cfg: cfg, options: p.options}, echo: p.echo, path: p.path, roundTrip: p.roundTrip}
	l.automaton.Init(&l.negotiator, &cfg.Limits)
	l.automaton.Unpark(p.automaton)
	l.automaton.SetPeerMRU(l.PeerMRU())
	l.automaton.SetRoundTrip(roundTrip)
}

// PeerMRU is as in Link.
func (p *Parked) PeerMRU() int { return int(p.options.peerMRU) }

// MRU is as in Link.
func (p *Parked) MRU() int { return int(p.options.requestMRU) }

// Deadline is as in Link.
func (p *Parked) Deadline() time.Time { return ppp.Earliest(p.echo.deadline, p.path.nextDeadline()) }

// Unanswered is as in Link.
func (p *Parked) Unanswered() int { return int(p.echo.pending) }

// NoteTraffic is as in Link.
func (p *Parked) NoteTraffic() { p.echo.traffic = true }

// RoundTrip is as in Link.
func (p *Parked) RoundTrip() time.Duration { return p.roundTrip.duration() }
