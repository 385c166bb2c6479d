package pppoe

import (
	"context"
	"sync"
	"time"

	"upppoe/pppoe/wire"
)

// runningListener is a Listener while its Server runs: one loop after the other, each with its own
// ports, as the interface or its address changes. The other interfaces are not affected.
type runningListener struct {
	Listener
	server      *Server
	wakeup      chan struct{} // capacity 1: the interface has changed
	attachments *attachments  // of its loops
	index       uint16        // of the listener, from 0

	mu            sync.Mutex  // guards the fields below
	current       *serverLoop // nil: the ports are not open
	state         InterfaceState
	changes       int                   // how many changes of the interface were reported
	pastDrops     map[error]uint64      // those of earlier loops
	deferredPADTs []wire.DiscoveryFrame // of sessions that ended, or were not adopted, while no frame could be sent
}

// retryOpen is how long to wait after ports could not be opened, though the interface seems usable.
const retryOpen = time.Second

func newRunningListener(s *Server, l Listener, index uint16) *runningListener {
	if l.Device == "" {
		l.Device = l.Interface
	}
	at := newAttachments(l.Interface, s.cfg.Pool.Max, s.cfg.SessionIDs)
	return &runningListener{Listener: l, server: s, wakeup: make(chan struct{}, 1), attachments: at, index: index, current: newServerLoop(s, l, index, at)}
}

// run serves until the context ends, or the ports are lost and there is no Reopen.
func (l *runningListener) run(ctx context.Context) error {
	for loop := l.currentLoop(); loop != nil && l.server.suspension.Load().awaitResume(ctx); loop = l.reopen(ctx) {
		err := loop.run(ctx)
		if err == nil || l.Reopen == nil {
			return err
		}
		l.loopEnded(loop, err)
	}
	return nil
}

func (l *runningListener) currentLoop() *serverLoop {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// loopEnded records the end of a loop, and reports it.
func (l *runningListener) loopEnded(loop *serverLoop, why error) {
	l.deferPADTs(append(loop.latePADTs.frames, loop.loop.deferredPADTs...))
	l.mu.Lock()
	l.current = nil
	if l.pastDrops == nil {
		l.pastDrops = make(map[error]uint64)
	}
	for reason, n := range loop.loop.drops.read() {
		l.pastDrops[reason] += n
	}
	l.mu.Unlock()
	l.notify(ListenerLost{Err: why})
}

// deferPADTs has the next loop send PADTs.
func (l *runningListener) deferPADTs(frames []wire.DiscoveryFrame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deferredPADTs = latestPADTs(append(l.deferredPADTs, frames...), l.server.cfg.Pool.Max)
}

func (l *runningListener) notify(e Event) {
	if notify := l.server.cfg.Notify; notify != nil {
		notify(SessionInfo{Interface: l.Interface}, e)
	}
}

// reopen opens the ports as soon as possible; nil: the context has ended.
func (l *runningListener) reopen(ctx context.Context) *serverLoop {
	reported := ""
	for ctx.Err() == nil {
		var retry <-chan time.Time // nil while the interface is known to be unusable
		if changes, ok := l.usable(); ok {
			ports, err := l.Reopen()
			switch {
			case err == nil:
				if loop := l.restore(ports, changes); loop != nil {
					return loop
				}
			case err.Error() != reported:
				reported = err.Error()
				l.notify(ListenerLost{Err: err})
			}
			retry = time.After(retryOpen)
		}
		select {
		case <-ctx.Done():
		case <-l.wakeup:
		case <-retry:
		}
	}
	return nil
}

// usable reports whether the ports can be opened, as far as is known, and returns how many changes
// of the interface were reported.
func (l *runningListener) usable() (changes int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes, l.state < InterfaceDown
}

// restore makes a loop from new ports; its first frames are the deferred PADTs. It returns nil if
// the interface has changed again while they were opened.
func (l *runningListener) restore(ports Ports, changes int) *serverLoop {
	with := l.Listener
	with.Ports = ports
	loop := newServerLoop(l.server, with, l.index, l.attachments)
	l.mu.Lock()
	same, up := l.changes == changes, l.state == InterfaceUp
	if same {
		l.current = loop
		loop.latePADTs.frames, l.deferredPADTs = l.deferredPADTs, nil
	}
	l.mu.Unlock()
	if !same {
		ports.Close()
		return nil
	}
	if up { // without carrier frames would be lost
		loop.startLatePADTs(time.Now())
	}
	l.notify(ListenerRestored{Addr: ports.Discovery.Addr()})
	return loop
}

// interfaceChanged records the state of the interface, and ends the loop if that can no longer be
// used.
func (l *runningListener) interfaceChanged(s InterfaceState, a wire.Addr) {
	l.mu.Lock()
	l.state = s
	l.changes++
	loop := l.current
	l.mu.Unlock()
	select {
	case l.wakeup <- struct{}{}:
	default: // already woken
	}
	switch {
	case loop == nil || l.Reopen == nil:
	case s == InterfaceGone:
		loop.loop.call(func(now time.Time) { loop.loop.fail(now, errInterfaceGone) })
	case a != (wire.Addr{}) && a != loop.loop.ports.Discovery.Addr():
		loop.loop.call(func(now time.Time) { loop.loop.fail(now, errAddressChanged) })
	case s == InterfaceUp:
		loop.loop.call(loop.startLatePADTs)
	}
}

// addDrops adds the drop counters of all its loops, by reason.
func (l *runningListener) addDrops(to map[error]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for reason, n := range l.pastDrops {
		to[reason] += n
	}
	if l.current != nil {
		for reason, n := range l.current.loop.drops.read() {
			to[reason] += n
		}
	}
}
