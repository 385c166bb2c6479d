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
	pending  int // requests since the last answer
	dead     bool
}

func (k *keepalive) start(now time.Time, l *Link, q *ppp.Queue) {
	if k.Interval > 0 {
		k.pending = 0
		k.send(now, l, q)
	}
}

func (k *keepalive) stop() { k.deadline = time.Time{} }

func (k *keepalive) advance(now time.Time, l *Link, q *ppp.Queue) {
	if k.deadline.IsZero() || now.Before(k.deadline) {
		return
	}
	if k.Failures > 0 && k.pending >= k.Failures {
		k.dead = true
		k.stop()
		return
	}
	k.send(now, l, q)
}

func (k *keepalive) send(now time.Time, l *Link, q *ppp.Queue) {
	var data [magicLen]byte
	binary.BigEndian.PutUint32(data[:], l.options.sentMagic())
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoRequest, ID: k.id, Data: data[:]})
	k.id++
	k.pending++
	k.deadline = now.Add(k.Interval)
}

// heedCodeReject stops asking a peer that does not know Echo-Request: it has
// just shown that it lives, and would seem dead for ever.
func (k *keepalive) heedCodeReject(c ppp.Control) {
	if len(c.Data) > 0 && ppp.Code(c.Data[0]) == ppp.EchoRequest {
		k.stop()
	}
}

// receiveEchoRequest answers with our magic number and the peer's data (RFC
// 1661 section 5.8), cut to what the peer can receive.
func (l *Link) receiveEchoRequest(c ppp.Control, q *ppp.Queue) error {
	if l.machine.State() != ppp.Opened {
		return ErrEarly
	}
	if len(c.Data) < magicLen {
		return ErrMagic
	}
	if l.options.isOurs(binary.BigEndian.Uint32(c.Data)) {
		return ErrOwn
	}
	room := max(l.options.peerMRU-ppp.ControlHeader, magicLen)
	l.reject = append(l.reject[:0], c.Data[:min(len(c.Data), room)]...)
	binary.BigEndian.PutUint32(l.reject, l.options.sentMagic())
	q.Add(ppp.LCP, ppp.Control{Code: ppp.EchoReply, ID: c.ID, Data: l.reject})
	return nil
}

// receiveEchoReply takes any answer to a request sent since the last answer:
// on a slow line it may be late.
func (l *Link) receiveEchoReply(c ppp.Control) error {
	if l.machine.State() != ppp.Opened {
		return ErrEarly
	}
	if len(c.Data) < magicLen {
		return ErrMagic
	}
	if l.options.isOurs(binary.BigEndian.Uint32(c.Data)) {
		return ErrOwn
	}
	if age := int(l.echo.id - 1 - c.ID); age >= l.echo.pending {
		return ErrEcho
	}
	l.echo.pending = 0
	return nil
}
