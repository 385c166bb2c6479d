package pppoe

import (
	"context"
	"errors"
	"sync"
	"time"

	"upppoe/pppoe/wire"
)

// runningListener is a Listener for as long as its Server runs: one loop after the other, each on
// ports of its own. Interfaces come and go, and so do their addresses (that of a bridge is
// one of its ports'); the other interfaces are not affected.
type runningListener struct {
	Listener
	server        *Server
	wakeup        chan struct{} // holds one: the interface has changed
	deferredPADTs []wire.DiscoveryFrame

	mu        sync.Mutex  // guards what follows
	current   *serverLoop // nil: the ports are yet to be opened again
	link      LinkState
	changes   int              // of the interface, that were told
	pastDrops map[error]uint64 // those of the loops before
}

// retryOpen is how long it takes until ports are tried again that could not be opened,
// though the interface seems to be usable.
const retryOpen = time.Second

// errInterfaceGone is why ports are given up that the kernel may still have: the interface of their
// name is another one from now on.
var errInterfaceGone = errors.New("the interface is gone")

func newRunningListener(s *Server, l Listener) *runningListener {
	if l.Device == "" {
		l.Device = l.Interface
	}
	return &runningListener{Listener: l, server: s, wakeup: make(chan struct{}, 1), current: newServerLoop(s, l)}
}

// run serves until the context ends, or the ports are lost for good.
func (l *runningListener) run(ctx context.Context) error {
	for o := l.currentLoop(); o != nil; o = l.reopen(ctx) {
		err := o.run(ctx)
		if err == nil || l.Reopen == nil {
			return err
		}
		l.loopEnded(o, err)
	}
	return nil
}

func (l *runningListener) currentLoop() *serverLoop {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// loopEnded notes that a loop has ended, and tells why.
func (l *runningListener) loopEnded(o *serverLoop, why error) {
	l.deferredPADTs = latestPADTs(append(o.latePADTs.frames, o.loop.deferredPADTs...), l.server.cfg.Pool.Max)
	l.mu.Lock()
	l.current = nil
	if l.pastDrops == nil {
		l.pastDrops = make(map[error]uint64)
	}
	for reason, n := range o.loop.drops.read() {
		l.pastDrops[reason] += n
	}
	l.mu.Unlock()
	l.notify(ListenerLost{Err: why})
}

func (l *runningListener) notify(e Event) {
	if notify := l.server.cfg.Notify; notify != nil {
		notify(SessionInfo{Interface: l.Interface}, e)
	}
}

// reopen opens the ports as soon as that can be; nil: the context has ended before.
func (l *runningListener) reopen(ctx context.Context) *serverLoop {
	told := ""
	for ctx.Err() == nil {
		var retry <-chan time.Time // none while the interface is known not to be usable
		if changes, ok := l.usable(); ok {
			ports, err := l.Reopen()
			switch {
			case err == nil:
				if o := l.restore(ports, changes); o != nil {
					return o
				}
			case err.Error() != told:
				told = err.Error()
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

// usable reports whether ports can be opened, as far as is known, after so many changes.
func (l *runningListener) usable() (changes int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes, l.link < LinkDown
}

// restore makes a loop of ports, which first sends what the one before could not; nil: the
// interface has changed again while they were opened.
func (l *runningListener) restore(ports Ports, changes int) *serverLoop {
	with := l.Listener
	with.Ports = ports
	o := newServerLoop(l.server, with)
	l.mu.Lock()
	same, up := l.changes == changes, l.link == LinkUp
	if same {
		l.current = o
	}
	l.mu.Unlock()
	if !same {
		ports.Close()
		return nil
	}
	o.latePADTs.frames, l.deferredPADTs = l.deferredPADTs, nil
	if up { // else what is sent goes into a dead cable
		o.startLatePADTs(time.Now())
	}
	l.notify(ListenerRestored{Addr: ports.Discovery.Addr()})
	return o
}

// linkChanged notes how the interface is now, and has the loop end if that can go on no more.
func (l *runningListener) linkChanged(s LinkState, a wire.Addr) {
	l.mu.Lock()
	l.link = s
	l.changes++
	o := l.current
	l.mu.Unlock()
	select {
	case l.wakeup <- struct{}{}:
	default: // it is awake
	}
	switch {
	case o == nil || l.Reopen == nil:
	case s == LinkGone:
		o.loop.call(func(now time.Time) { o.loop.fail(now, errInterfaceGone) })
	case a != (wire.Addr{}) && a != o.loop.ports.Discovery.Addr():
		o.loop.call(func(now time.Time) { o.loop.fail(now, errAddressChanged) })
	case s == LinkUp:
		o.loop.call(o.startLatePADTs)
	}
}

// addDrops adds what was dropped, by the reason.
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

// loops are those that serve now.
func (s *Server) loops() (all []*serverLoop) {
	for _, l := range s.listeners {
		if o := l.currentLoop(); o != nil {
			all = append(all, o)
		}
	}
	return all
}

// SetLinkState tells how an Ethernet interface is now, and which address it has; zero: that is not to
// be compared with the listeners', as they have addresses of their own. Listeners on an
// interface that is gone, or has another address than theirs, lose their sessions, whose
// peers are told so by PADT as soon as that can be, and three times more in the 35 s after
// that, as a bridge may not forward at once; they listen anew as soon as the interface
// can be used. It may be called at any time while Run runs, from one goroutine an interface.
func (s *Server) SetLinkState(device string, state LinkState, a wire.Addr) {
	for _, l := range s.listeners {
		if l.Device == device {
			l.linkChanged(state, a)
		}
	}
}
