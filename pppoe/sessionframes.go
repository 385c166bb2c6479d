package pppoe

import (
	"bytes"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/wire"
)

// receiveSession handles a session frame that the data path did not. Session ID and both addresses
// identify the session (RFC 2516 section 6). The frame is valid only until it returns.
func (l *loop) receiveSession(now time.Time, frame []byte) {
	key, at, ok := datapath.FrameKey(frame)
	if !ok {
		l.drops.count(wire.ErrShort)
		return
	}
	_, packet, err := wire.ParseSession(frame[at:])
	if err != nil {
		l.drops.count(err)
		return
	}
	s := l.sessions.Get(key)
	if s == nil || s.endReason != nil {
		l.drops.count(discovery.ErrNotOurs)
		if s == nil {
			l.owner.handleUnknownSession(now, key, frame)
		}
		return
	}
	if s.start != nil {
		if len(s.start.queue) < maxStartQueue {
			s.start.queue = append(s.start.queue, bytes.Clone(frame))
		}
		if !s.start.at.IsZero() {
			l.startPPP(now, s)
		}
		return
	}
	if l.queueForDevice(s, packet, frame) || l.holdFrame(now, s, frame) {
		return
	}
	if l.trace {
		l.notify(s.info(), FrameReceived{Frame: packet})
	}
	if l.repeatsRequest(now, s, packet) {
		return
	}
	s.ppp.Receive(now, packet, l.output(s))
	l.flush(now, s)
}
