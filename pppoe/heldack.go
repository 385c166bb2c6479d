package pppoe

import (
	"bytes"
	"time"

	"upppoe/ppp"
	"upppoe/ppp/session"
)

// A peer may send packets as soon as both sides have acknowledged each other's requests, but the
// device of its session may not be ready for milliseconds, or for seconds if thousands of sessions
// begin at once. A server therefore holds its Configure-Acks of IPCP and IPv6CP until the device is
// configured. Meanwhile the peer repeats its Configure-Request by its restart timer (RFC 1661 section
// 4.6): repeats are counted here and are not passed to IPCP, which is open and would negotiate anew. So
// would a repeat with another Identifier that crosses the Ack: it is acknowledged here, too.

const (
	// maxPeerAckWait is how long an Ack is held before the peer's own has come. A peer that waits for
	// ours first gets it then.
	maxPeerAckWait = 200 * time.Millisecond
	// maxHeldRequests is how often the peer may repeat its request until the Ack is sent in any case:
	// half as often as the 10 times after which it gives up (Max-Configure).
	maxHeldRequests = 5
	// maxAckHold is how long the peer needs for that by the default restart timer of 3 s.
	maxAckHold = maxHeldRequests * 3 * time.Second
	// minRestart is the least restart timer of a peer whose repeats may cross an Ack that was held.
	minRestart = time.Second
	// maxCrossing is how long such a repeat may come after the Ack was sent.
	maxCrossing = time.Second
)

// heldAck is a Configure-Ack that is held.
type heldAck struct {
	frame    []byte // which begins with the Protocol field; nil: none
	repeats  int    // of the peer's request
	sent     bool   // it is kept for repeats that cross it
	since    time.Time
	deadline time.Time // when it must be sent, or is no longer kept
}

// isHeld reports whether there is an Ack to be sent.
func (h *heldAck) isHeld() bool { return h != nil && h.frame != nil && !h.sent }

// heldAcks are those of IPCP and IPv6CP of a session.
type heldAcks [2]heldAck

// of returns the place of the Ack of a protocol; nil: it is no network protocol, or there are none.
func (h *heldAcks) of(p ppp.Protocol) *heldAck {
	switch {
	case h != nil && p == ppp.IPCP:
		return &h[0]
	case h != nil && p == ppp.IPv6CP:
		return &h[1]
	}
	return nil
}

// deadline returns when the first Ack must be sent or dropped; zero: there is none.
func (h *heldAcks) deadline() time.Time {
	if h == nil {
		return time.Time{}
	}
	return ppp.Earliest(h[0].deadline, h[1].deadline)
}

// holdAck holds a frame to be sent if it is a Configure-Ack of a network protocol of a session that
// has a device of its own, and reports whether it is.
func (l *loop) holdAck(now time.Time, s *sessionState, frame []byte) bool {
	if !l.holdsAck(frame) {
		return false
	}
	h := l.heldAcks[s]
	if h == nil {
		h = new(heldAcks)
		l.heldAcks[s] = h
	}
	p, _, _ := ppp.ParseFrame(frame)
	*h.of(p) = heldAck{frame: bytes.Clone(frame), since: now, deadline: now.Add(maxPeerAckWait)}
	return true
}

// holdsAck reports whether a frame is a Configure-Ack that is held.
func (l *loop) holdsAck(frame []byte) bool {
	if !l.isServer || l.shared != nil {
		return false
	}
	p, information, err := ppp.ParseFrame(frame)
	return err == nil && (p == ppp.IPCP || p == ppp.IPv6CP) && ppp.Code(information[0]) == ppp.ConfigureAck
}

// extendHold holds the Ack of a protocol that is now open.
func (l *loop) extendHold(now time.Time, s *sessionState, p ppp.Protocol) {
	if held := l.heldAcks[s].of(p); held.isHeld() {
		held.deadline = now.Add(maxAckHold)
	}
}

// sendHeldAck sends the Ack of a protocol, if it is held.
func (l *loop) sendHeldAck(now time.Time, s *sessionState, p ppp.Protocol) {
	held := l.heldAcks[s].of(p)
	if !held.isHeld() {
		return
	}
	l.sendAck(s, held.frame)
	if now.Sub(held.since) < minRestart {
		l.dropHeldAck(s, p)
		return
	}
	held.sent, held.deadline = true, now.Add(maxCrossing)
}

func (l *loop) sendAck(s *sessionState, frame []byte) {
	l.outgoing.addSession(&s.sessionIdentity, frame)
	if l.trace {
		l.notify(s.info(), FrameSent{Frame: bytes.Clone(frame)})
	}
}

// sendLateAcks sends the Acks that were held for too long, and drops those that were kept long enough.
func (l *loop) sendLateAcks(now time.Time, s *sessionState) {
	for _, p := range [...]ppp.Protocol{ppp.IPCP, ppp.IPv6CP} {
		held := l.heldAcks[s].of(p)
		switch {
		case held == nil || now.Before(held.deadline):
		case held.sent:
			l.dropHeldAck(s, p)
		default:
			l.sendHeldAck(now, s, p)
		}
	}
}

// dropHeldAck drops the Ack of a protocol.
func (l *loop) dropHeldAck(s *sessionState, p ppp.Protocol) {
	h := l.heldAcks[s]
	held := h.of(p)
	if held == nil {
		return
	}
	*held = heldAck{}
	if h[0].frame == nil && h[1].frame == nil {
		delete(l.heldAcks, s)
	}
}

// dropOutdatedAcks drops the Acks of a session that has left the network phase, as when the peer
// negotiates LCP anew.
func (l *loop) dropOutdatedAcks(s *sessionState) {
	if l.heldAcks[s] != nil && s.ppp.Phase() != session.PhaseNetwork {
		delete(l.heldAcks, s)
	}
}

// repeatsRequest handles the peer's repeated Configure-Request whose Ack is held or was sent just now,
// and reports whether the frame is one. The Ack then gets its Identifier. After any other request, or a
// Terminate-Request, the Ack is not sent.
func (l *loop) repeatsRequest(now time.Time, s *sessionState, frame []byte) bool {
	p, information, err := ppp.ParseFrame(frame)
	held := l.heldAcks[s].of(p)
	if err != nil || held == nil || held.frame == nil {
		return false
	}
	request, err := ppp.ParseControl(information)
	if err != nil || request.Code != ppp.ConfigureRequest && request.Code != ppp.TerminateRequest {
		return false
	}
	const identifier, data = 3, 2 + ppp.ControlHeaderLen
	if request.Code != ppp.ConfigureRequest || !bytes.Equal(request.Data, held.frame[data:]) {
		l.dropHeldAck(s, p)
		return false
	}
	held.frame[identifier] = request.ID
	held.repeats++
	switch {
	case held.sent:
		l.sendAck(s, held.frame)
	case held.repeats >= maxHeldRequests:
		l.sendHeldAck(now, s, p)
		l.setTimer(now, s)
	}
	return true
}
