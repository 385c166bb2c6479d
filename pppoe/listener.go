package pppoe

import (
	"context"
	"errors"
	"sync"
	"time"

	"upppoe/pppoe/wire"
)

// listening is a Listener for as long as its Server runs: one loop after the other, each on
// ports of its own. Interfaces come and go, and so do their addresses (that of a bridge is
// one of its ports'); the other interfaces are not affected.
type listening struct {
	Listener
	server *Server
	woken  chan struct{} // holds one: the interface has changed
	unsent []wire.DiscoveryFrame

	mu      sync.Mutex  // guards what follows
	serving *serverLoop // nil: the ports are yet to be opened again
	link    LinkState
	changes int              // of the interface, that were told
	drops   map[error]uint64 // those of the loops before
}

// retryOpen is how long it takes until ports are tried again that could not be opened,
// though the interface seems to be usable.
const retryOpen = time.Second

// errGone is why ports are given up that the kernel may still have: the interface of their
// name is another one from now on.
var errGone = errors.New("the interface is gone")

func newListening(s *Server, l Listener) *listening {
	if l.Device == "" {
		l.Device = l.Interface
	}
	return &listening{Listener: l, server: s, woken: make(chan struct{}, 1), serving: newServerLoop(s, l)}
}

// run serves until the context ends, or the ports are lost for good.
func (l *listening) run(ctx context.Context) error {
	for o := l.loop(); o != nil; o = l.reopen(ctx) {
		err := o.run(ctx)
		if err == nil || l.Reopen == nil {
			return err
		}
		l.lost(o, err)
	}
	return nil
}

func (l *listening) loop() *serverLoop {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.serving
}

// lost notes that a loop has ended, and tells why.
func (l *listening) lost(o *serverLoop, why error) {
	l.unsent = latestPADTs(append(o.late.frames, o.loop.unsent...), l.server.cfg.Pool.Max)
	l.mu.Lock()
	l.serving = nil
	if l.drops == nil {
		l.drops = make(map[error]uint64)
	}
	for reason, n := range o.loop.drops.read() {
		l.drops[reason] += n
	}
	l.mu.Unlock()
	l.notify(ListenerLost{Err: why})
}

func (l *listening) notify(e Event) {
	if notify := l.server.cfg.Notify; notify != nil {
		notify(SessionInfo{Interface: l.Interface}, e)
	}
}

// reopen opens the ports as soon as that can be; nil: the context has ended before.
func (l *listening) reopen(ctx context.Context) *serverLoop {
	told := ""
	for ctx.Err() == nil {
		var retry <-chan time.Time // none while the interface is known not to be usable
		if changes, ok := l.usable(); ok {
			ports, err := l.Reopen()
			switch {
			case err == nil:
				if o := l.back(ports, changes); o != nil {
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
		case <-l.woken:
		case <-retry:
		}
	}
	return nil
}

// usable reports whether ports can be opened, as far as is known, after so many changes.
func (l *listening) usable() (changes int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes, l.link < LinkDown
}

// back makes a loop of ports, which first sends what the one before could not; nil: the
// interface has changed again while they were opened.
func (l *listening) back(ports Ports, changes int) *serverLoop {
	with := l.Listener
	with.Ports = ports
	o := newServerLoop(l.server, with)
	l.mu.Lock()
	same, up := l.changes == changes, l.link == LinkUp
	if same {
		l.serving = o
	}
	l.mu.Unlock()
	if !same {
		ports.Close()
		return nil
	}
	o.late.frames, l.unsent = l.unsent, nil
	if up { // else what is sent goes into a dead cable
		o.endUnsent(time.Now())
	}
	l.notify(ListenerRestored{Addr: ports.Discovery.Addr()})
	return o
}

// linkChanged notes how the interface is now, and has the loop end if that can go on no more.
func (l *listening) linkChanged(s LinkState, a wire.Addr) {
	l.mu.Lock()
	l.link = s
	l.changes++
	o := l.serving
	l.mu.Unlock()
	select {
	case l.woken <- struct{}{}:
	default: // it is awake
	}
	switch {
	case o == nil || l.Reopen == nil:
	case s == LinkGone:
		o.loop.call(func(now time.Time) { o.loop.fail(now, errGone) })
	case a != (wire.Addr{}) && a != o.loop.ports.Discovery.Addr():
		o.loop.call(func(now time.Time) { o.loop.fail(now, errReaddressed) })
	case s == LinkUp:
		o.loop.call(o.endUnsent)
	}
}

// addDrops adds what was dropped, by the reason.
func (l *listening) addDrops(to map[error]uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for reason, n := range l.drops {
		to[reason] += n
	}
	if l.serving != nil {
		for reason, n := range l.serving.loop.drops.read() {
			to[reason] += n
		}
	}
}

// loops are those that serve now.
func (s *Server) loops() (all []*serverLoop) {
	for _, l := range s.lines {
		if o := l.loop(); o != nil {
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
	for _, l := range s.lines {
		if l.Device == device {
			l.linkChanged(state, a)
		}
	}
}
