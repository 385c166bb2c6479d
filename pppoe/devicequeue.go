package pppoe

import (
	"bytes"

	"upppoe/ppp"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// Once both sides have acknowledged each other's requests, the peer may send packets, but our device
// may not be ready yet: a server holds its last Configure-Ack until then, but not for as long as the
// peer would give up, and not if the peer's Ack comes after its own. So the first packets, above all a
// Router Solicitation or a Router Advertisement, are queued until the device is ready.

// A session queues maxDeviceQueue frames, and all sessions of a loop maxDeviceQueued; more are dropped. A
// session that is being adopted queues maxAdoptedQueue: its peer's packets flowed before, and those that the
// session port has received since the earlier program ended come at once.
const (
	maxDeviceQueue  = 8
	maxAdoptedQueue = maxDeviceQueued / 4
	maxDeviceQueued = 4096
)

// queueForDevice queues a data packet that the data path did not take, if its address family is
// agreed on but not configured. A packet of a configured family was on its way to the loop when the
// data path was opened for it, and is injected there. It reports whether the frame was handled.
func (l *loop) queueForDevice(s *sessionState, packet, frame []byte) bool {
	p, _, err := ppp.ParseFrame(packet)
	if err != nil || !p.IsData() {
		return false
	}
	switch {
	case s.configuredAddressing().has(p):
		return l.engine.Inject(frame)
	case !s.desired.has(p):
		return false
	case s.isBeingAdopted():
		if !l.addToDeviceQueue(s, frame, maxAdoptedQueue) {
			l.drops.count(ErrQueueFull)
		}
		return true
	}
	return l.addToDeviceQueue(s, frame, maxDeviceQueue)
}

// addToDeviceQueue queues a copy of a frame, unless the session has queued most already.
func (l *loop) addToDeviceQueue(s *sessionState, frame []byte, most int) bool {
	if len(l.deviceQueues[s]) >= most || l.deviceQueued >= maxDeviceQueued {
		return false
	}
	l.deviceQueues[s] = append(l.deviceQueues[s], bytes.Clone(frame))
	l.deviceQueued++
	return true
}

// flushDeviceQueue delivers the queued packets, and keeps those that still must wait.
func (l *loop) flushDeviceQueue(s *sessionState) {
	kept := l.deviceQueues[s]
	l.dropDeviceQueue(s)
	for _, frame := range kept {
		_, at, _ := datapath.FrameKey(frame)
		_, packet, _ := wire.ParseSession(frame[at:])
		l.queueForDevice(s, packet, frame)
	}
}

// dropDeviceQueue drops the queued packets.
func (l *loop) dropDeviceQueue(s *sessionState) {
	l.deviceQueued -= len(l.deviceQueues[s])
	delete(l.deviceQueues, s)
}
