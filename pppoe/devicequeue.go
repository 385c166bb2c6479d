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

// A session keeps maxDeviceQueue frames, and a loop maxDeviceQueued: what comes beyond that is dropped.
const (
	maxDeviceQueue  = 8
	maxDeviceQueued = 4096
)

// queueForDevice takes a data packet that the data path has left over, of a family that is agreed on.
// Those of one that flows were already on their way to the loop when it began to.
func (l *loop) queueForDevice(s *sessionState, packet, frame []byte) bool {
	p, _, err := ppp.ParseFrame(packet)
	if err != nil || !p.IsData() {
		return false
	}
	switch {
	case s.configured.has(p):
		return l.engine.Inject(frame)
	case s.desired.has(p) && len(s.deviceQueue) < maxDeviceQueue && l.deviceQueued < maxDeviceQueued:
		s.deviceQueue = append(s.deviceQueue, frame)
		l.deviceQueued++
		return true
	}
	return false
}

// flushDeviceQueue passes on what was kept, and goes on keeping what is still not to flow.
func (l *loop) flushDeviceQueue(s *sessionState) {
	kept := s.deviceQueue
	l.dropDeviceQueue(s)
	for _, frame := range kept {
		_, packet, _ := wire.ParseSession(frame[14:])
		l.queueForDevice(s, packet, frame)
	}
}

// dropDeviceQueue gives up what was kept.
func (l *loop) dropDeviceQueue(s *sessionState) {
	l.deviceQueued -= len(s.deviceQueue)
	s.deviceQueue = nil
}
