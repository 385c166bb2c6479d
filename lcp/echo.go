package lcp

import (
	"encoding/binary"
	"math"
	"time"

	"upppoe/ppp"
)

// magicLen is the length of the Magic-Number that begins the Data of echo
// packets (RFC 1661 section 5.8).
const magicLen = 4

// keepalive sends Echo-Requests while the link is open, and counts those that have had no
// answer.
type keepalive struct {
	deadline time.Time
	pending  uint32 // requests since the last answer
	id       uint8
	traffic  bool // the peer has sent data packets since the last request
	checking bool
	dead     bool
}

// Timer and bound of CheckPeer.
const (
	checkInterval = time.Second
	checkFailures = 3
)

// config returns the configured values, or those of CheckPeer.
func (k *keepalive) config(l *Link) Echo {
	if k.checking {
		return Echo{Interval: checkInterval, Failures: checkFailures}
	}
	return l.negotiator.cfg.Echo
}

func (k *keepalive) start(now time.Time, l *Link, q *ppp.Queue) {
	if k.config(l).Interval > 0 {
		k.pending = 0
		k.send(now, l, q)
	}
}

func (k *keepalive) stop() { k.deadline, k.checking = time.Time{}, false }

func (k *keepalive) advance(now time.Time, l *Link, q *ppp.Queue) {
	if k.deadline.IsZero() || now.Before(k.deadline) {
		return
	}
	switch echo := k.config(l); {
	case echo.Adaptive && k.traffic:
		k.traffic, k.pending = false, 0
		k.startTimer(now, l)
	case echo.Failures > 0 && int(k.pending) >= echo.Failures:
		k.dead = true
		k.stop()
	default:
		k.send(now, l, q)
	}
}

func (k *keepalive) send(now time.Time, l *Link, q *ppp.Queue) {
	var data [magicLen]byte
	binary.BigEndian.PutUint32(data[:], l.negotiator.sentMagic())
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoRequest, ID: k.id, Data: data[:]})
	k.id++
	k.pending++
	k.traffic = false
	k.startTimer(now, l)
}

// startTimer starts the timer, if Echo-Requests are enabled.
func (k *keepalive) startTimer(now time.Time, l *Link) {
	k.deadline = time.Time{}
	if wait := k.config(l).Interval; wait > 0 {
		k.deadline = now.Add(wait)
	}
}

// CheckPeer sends an Echo-Request at once, and repeats it each second. Without an answer the
// link is dead after three seconds; after an answer Echo continues as configured. On a link
// that is not open it does nothing.
func (l *Link) CheckPeer(now time.Time, q *ppp.Queue) {
	if l.automaton.State() != ppp.Opened {
		return
	}
	l.echo.checking, l.echo.pending = true, 0
	l.echo.send(now, l, q)
}

// NoteTraffic records that the peer has sent data packets: adaptive echo then sends no
// Echo-Request.
func (l *Link) NoteTraffic() { l.echo.traffic = true }

// roundTrip is a round-trip time in steps of 32 us, up to 2.1 s: a link keeps no more of it.
type roundTrip uint16

const roundTripStep = 32 * time.Microsecond

// newRoundTrip rounds a time up, so that a time that was measured is never zero.
func newRoundTrip(d time.Duration) roundTrip {
	return roundTrip(min(max(d/roundTripStep, 0)+1, math.MaxUint16))
}

func (r roundTrip) duration() time.Duration { return time.Duration(r) * roundTripStep }

// RoundTrip returns the time between the last Echo-Request that was answered and the answer, with a
// resolution of 32 us, and at most 2.1 s; 0: none was answered.
func (l *Link) RoundTrip() time.Duration { return l.roundTrip.duration() }

// Unanswered returns the number of Echo-Requests since the peer's last answer.
func (l *Link) Unanswered() int { return int(l.echo.pending) }

func (k *keepalive) answered(now time.Time, l *Link, c ppp.Control) {
	if c.ID == k.id-1 && !k.deadline.IsZero() { // the deadline is that of the last request
		l.roundTrip = newRoundTrip(now.Sub(k.deadline.Add(-k.config(l).Interval)))
	}
	k.pending = 0
	if k.checking {
		k.checking = false
		k.startTimer(now, l)
	}
}

// handleCodeReject stops Echo-Requests to a peer that does not implement them: it is alive,
// but would be taken for dead.
func (k *keepalive) handleCodeReject(c ppp.Control) {
	if len(c.Data) > 0 && ppp.Code(c.Data[0]) == ppp.EchoRequest {
		k.stop()
	}
}

// receiveEchoRequest answers with our Magic-Number and the peer's data (RFC 1661 section
// 5.8), truncated to the peer's MRU.
func (l *Link) receiveEchoRequest(c ppp.Control, q *ppp.Queue) error {
	if l.automaton.State() != ppp.Opened {
		return ErrNotOpened
	}
	if len(c.Data) < magicLen {
		return ErrMagic
	}
	if l.negotiator.isOwnMagic(binary.BigEndian.Uint32(c.Data)) {
		return ErrOwnMagic
	}
	room := max(l.PeerMRU()-ppp.ControlHeaderLen, magicLen)
	data := q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoReply, ID: c.ID, Data: c.Data[:min(len(c.Data), room)]})
	binary.BigEndian.PutUint32(data, l.negotiator.sentMagic())
	return nil
}

// receiveEchoReply accepts an answer to any request since the last answer: on a slow link
// it may be late.
func (l *Link) receiveEchoReply(now time.Time, c ppp.Control) error {
	if l.automaton.State() != ppp.Opened {
		return ErrNotOpened
	}
	if len(c.Data) < magicLen {
		return ErrMagic
	}
	if l.negotiator.isOwnMagic(binary.BigEndian.Uint32(c.Data)) {
		return ErrOwnMagic
	}
	if l.path.receiveReply(now, c) {
		return nil
	}
	if age := l.echo.id - 1 - c.ID; uint32(age) >= l.echo.pending {
		return ErrEcho
	}
	l.echo.answered(now, l, c)
	return nil
}
