package pppoe

import (
	"upppoe/ppp"
	"upppoe/pppoe/wire"
)

// Once both sides have acknowledged each other's requests, the peer may send packets. Our
// device may take its time: milliseconds, or minutes where thousands of sessions begin at once.
// To withhold our last Configure-Ack for so long would have the peer give up. So the first
// packets, a Router Solicitation or a Router Advertisement above all, are kept until the
// device is ready; it is the host's network that is late then, as on any slow link.

// A session keeps maxKept frames, and a loop maxKeptAll: what comes beyond that is dropped.
const (
	maxKept    = 8
	maxKeptAll = 4096
)

// keep takes a data packet that the data path has left over, of a family that is agreed on.
// Those of one that flows were already on their way to the loop when it began to.
func (l *loop) keep(t *tunnel, packet, frame []byte) bool {
	p, _, err := ppp.ParseFrame(packet)
	if err != nil || !p.IsData() {
		return false
	}
	switch {
	case t.had.has(p):
		return l.path.Inject(frame)
	case t.want.has(p) && len(t.kept) < maxKept && l.kept < maxKeptAll:
		t.kept = append(t.kept, frame)
		l.kept++
		return true
	}
	return false
}

// has reports whether a family is open.
func (a Addressing) has(p ppp.Protocol) bool {
	return p == ppp.IPv4 && a.HasIPv4() || p == ppp.IPv6 && a.HasIPv6()
}

// release passes on what was kept, and goes on keeping what is still not to flow.
func (l *loop) release(t *tunnel) {
	kept := t.kept
	l.discard(t)
	for _, frame := range kept {
		_, packet, _ := wire.ParseSession(frame[14:])
		l.keep(t, packet, frame)
	}
}

// discard gives up what was kept.
func (l *loop) discard(t *tunnel) {
	l.kept -= len(t.kept)
	t.kept = nil
}
