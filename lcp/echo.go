package lcp

import (
	"encoding/binary"
	"time"

	"upppoe/ppp"
)

// magicLen is the length of the Magic-Number that begins the Data of echo
// packets (RFC 1661 section 5.8).
const magicLen = 4

// keepalive sends Echo-Requests while the link is open and counts those that
// have gone unanswered.
type keepalive struct {
	Echo
	deadline time.Time
	id       uint8
	pending  int  // requests since the last answer
	heard    bool // the peer has sent something since the last request
	probing  bool
	dead     bool
}

// A probe is answered soon, or never.
const (
	probeInterval = time.Second
	probeFailures = 3
)

func (k *keepalive) interval() time.Duration {
	if k.probing {
		return probeInterval
	}
	return k.Interval
}

func (k *keepalive) failures() int {
	if k.probing {
		return probeFailures
	}
	return k.Failures
}

func (k *keepalive) start(now time.Time, l *Link, q *ppp.Queue) {
	if k.Interval > 0 {
		k.pending = 0
		k.send(now, l, q)
	}
}

func (k *keepalive) stop() { k.deadline, k.probing = time.Time{}, false }

func (k *keepalive) advance(now time.Time, l *Link, q *ppp.Queue) {
	if k.deadline.IsZero() || now.Before(k.deadline) {
		return
	}
	switch limit := k.failures(); {
	case k.Adaptive && k.heard && !k.probing:
		k.heard, k.pending = false, 0
		k.rest(now)
	case limit > 0 && k.pending >= limit:
		k.dead = true
		k.stop()
	default:
		k.send(now, l, q)
	}
}

func (k *keepalive) send(now time.Time, l *Link, q *ppp.Queue) {
	var data [magicLen]byte
	binary.BigEndian.PutUint32(data[:], l.options.sentMagic())
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoRequest, ID: k.id, Data: data[:]})
	k.id++
	k.pending++
	k.heard = false
	k.rest(now)
}

// rest waits for as long as there are signs of life to be asked for.
func (k *keepalive) rest(now time.Time) {
	k.deadline = time.Time{}
	if wait := k.interval(); wait > 0 {
		k.deadline = now.Add(wait)
	}
}

// Probe asks the peer at once whether it is still there, and soon again: after an
// answer everything is as before, without one the link is dead in a few seconds. It
// does nothing on a link that is not open.
func (l *Link) Probe(now time.Time, q *ppp.Queue) {
	if l.machine.State() != ppp.Opened {
		return
	}
	l.echo.probing, l.echo.pending = true, 0
	l.echo.send(now, l, q)
}

// NoteTraffic reports that the peer has sent packets that LCP did not see, which counts as a
// sign of life if Echo is adaptive.
func (l *Link) NoteTraffic() { l.echo.heard = true }

// Unanswered is how many Echo-Requests the peer has not answered.
func (l *Link) Unanswered() int { return l.echo.pending }

func (k *keepalive) answered(now time.Time) {
	k.pending = 0
	if k.probing {
		k.probing = false
		k.rest(now)
	}
}

// handleCodeReject stops asking a peer that does not know Echo-Request: it has
// just shown that it lives, and would seem dead for ever.
func (k *keepalive) handleCodeReject(c ppp.Control) {
	if len(c.Data) > 0 && ppp.Code(c.Data[0]) == ppp.EchoRequest {
		k.stop()
	}
}

// receiveEchoRequest answers with our magic number and the peer's data (RFC
// 1661 section 5.8), cut to what the peer can receive.
func (l *Link) receiveEchoRequest(c ppp.Control, q *ppp.Queue) error {
	if l.machine.State() != ppp.Opened {
		return ErrNotOpened
	}
	if len(c.Data) < magicLen {
		return ErrMagic
	}
	if l.options.isOurs(binary.BigEndian.Uint32(c.Data)) {
		return ErrOwnMagic
	}
	room := max(l.options.peerMRU-ppp.ControlHeaderLen, magicLen)
	l.reject = append(l.reject[:0], c.Data[:min(len(c.Data), room)]...)
	binary.BigEndian.PutUint32(l.reject, l.options.sentMagic())
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoReply, ID: c.ID, Data: l.reject})
	return nil
}

// receiveEchoReply takes any answer to a request sent since the last answer:
// on a slow line it may be late.
func (l *Link) receiveEchoReply(now time.Time, c ppp.Control) error {
	if l.machine.State() != ppp.Opened {
		return ErrNotOpened
	}
	if len(c.Data) < magicLen {
		return ErrMagic
	}
	if l.options.isOurs(binary.BigEndian.Uint32(c.Data)) {
		return ErrOwnMagic
	}
	if l.path.answered(now, c) {
		return nil
	}
	if age := int(l.echo.id - 1 - c.ID); age >= l.echo.pending {
		return ErrEcho
	}
	l.echo.answered(now)
	return nil
}
