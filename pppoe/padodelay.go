package pppoe

import (
	"errors"
	"time"

	"upppoe/pppoe/wire"
)

// ErrDelayedForever is the reason for dropping PADIs when AccessConfig.PADODelay has no answer for
// the number of sessions.
var ErrDelayedForever = errors.New("pppoe: PADIs are not answered with this many sessions")

// receivePADI answers a PADI, or queues the answer until the PADO delay is over.
func (l *serverLoop) receivePADI(now time.Time, f wire.DiscoveryFrame) error {
	if err := l.server.dropsRequests(); err != nil {
		return err
	}
	delay := time.Duration(0)
	if steps := l.config.Access.PADODelay; len(steps) > 0 {
		var answer bool
		if delay, answer = steps.At(l.server.slots.taken()); !answer {
			return ErrDelayedForever
		}
	}
	if err := l.concentrator.ReceivePADI(now, f, &l.queue); err != nil {
		return err
	}
	l.recentLines.add(now, clientAt{f.VLAN, f.Src}, f.Tags.AccessLine())
	if delay == 0 {
		return nil
	}
	for _, pado := range l.queue.All() {
		l.delayed.Add(now.Add(delay), pado)
	}
	l.queue.Reset()
	l.sendDelayedPADOs(now)
	return nil
}

// sendDelayedPADOs sends the PADOs that are due.
func (l *serverLoop) sendDelayedPADOs(now time.Time) {
	for f, ok := l.delayed.Pop(now); ok; f, ok = l.delayed.Pop(now) {
		if err := l.server.dropsRequests(); err != nil {
			l.loop.drops.count(err)
			continue
		}
		l.queue.Add(f)
		l.loop.sendDiscovery(l.packetInfo(f.VLAN, f.Src, f.Dst), &l.queue)
	}
}
