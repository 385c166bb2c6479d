package pppoe

import (
	"context"
	"errors"
	"sync"
	"time"

	"upppoe/pppoe/datapath"
)

// ErrNotSuspended is returned by Resume and Leave of a Server that is not suspended.
var ErrNotSuspended = errors.New("pppoe: the server is not suspended")

// Suspend stops a server for a successor that is about to adopt its sessions: it handles and sends no
// control packet any more, and the store has all sessions as they are, with their counters. Sessions are
// left open on the wire, and the data path goes on with their packets. Control packets that arrive
// meanwhile wait, up to 32,768 for each Listener; methods that ask for a session wait, too.
//
// Then either PassOn is called when the successor serves, and later Leave, or Resume, if it has failed. If
// Run's context ends before, the server leaves. Before Run, Suspend has no effect.
func (s *Server) Suspend() {
	s.suspending.Lock()
	defer s.suspending.Unlock()
	if s.suspension.Load() != nil || !s.isRunning() {
		return
	}
	now := &suspension{over: make(chan struct{}), passing: make(chan struct{})}
	s.suspension.Store(now)
	var suspended sync.WaitGroup
	for _, l := range s.loops() {
		suspended.Go(func() { l.requestSuspension(now) })
	}
	suspended.Wait()
}

// Resume continues a suspended server as if nothing had been, and undoes FinishSetups. Timers that expired
// meanwhile are due.
func (s *Server) Resume() error {
	s.suspending.Lock()
	defer s.suspending.Unlock()
	err := s.endSuspension(false)
	if s.finishing && err != nil {
		for _, l := range s.loops() {
			l.loop.call(l.goOn)
		}
		err = nil
	}
	s.finishing = false
	return err
}

// PassOn has a function called with each control frame that a suspended server has received since Suspend, or
// receives until Run returns, and with the Interface of its Listener: the successor serves, and handles it by
// its Receive. The function may block; it is called by a goroutine for each Listener, and must not keep the
// frame. It must be called once at most. Then only Leave may follow.
func (s *Server) PassOn(to func(listener string, frame []byte)) error {
	s.suspending.Lock()
	defer s.suspending.Unlock()
	now := s.suspension.Load()
	if now == nil {
		return ErrNotSuspended
	}
	now.passOn = to
	close(now.passing)
	return nil
}

// Receive handles a control frame that an earlier server has passed on, as if it had been received now, and
// reports whether it will: there must be a Listener with that Interface, whose ports are open. It waits while
// maxPassed others do. The frame must not be changed later.
func (s *Server) Receive(listener string, frame []byte) bool {
	for _, l := range s.listeners {
		if loop := l.currentLoop(); l.Interface == listener && loop != nil {
			select {
			case loop.loop.passed <- frame:
				return true
			case <-loop.loop.ended:
				return false
			}
		}
	}
	return false
}

// maxPassed is how many frames of a predecessor wait in a loop.
const maxPassed = 256

// receivePassed handles a frame of either port.
func (l *loop) receivePassed(now time.Time, frame []byte) {
	if _, _, ok := datapath.FrameKey(frame); ok {
		l.receiveSession(now, frame)
		return
	}
	l.owner.handleDiscovery(now, frame)
}

// ReadPorts ends ServerConfig.Delayed: the predecessor is about to end. It must be called once Run was.
func (s *Server) ReadPorts() {
	s.delayed.Store(false)
	for _, l := range s.loops() {
		l.loop.call(func(time.Time) { l.loop.startReading() })
	}
}

// Leave ends Run of a suspended server, which returns nil, and closes the ports. Nothing is sent to the
// peers. Counters that have changed since Suspend are written to the store again. Devices of sessions are
// closed, and their interfaces left, if they are tun.Leavers; a shared device is left as it is, and so is what
// the kernel has of the data path: the program hands them over, closes them, or exits.
func (s *Server) Leave() error {
	s.suspending.Lock()
	defer s.suspending.Unlock()
	return s.endSuspension(true)
}

func (s *Server) isRunning() bool {
	s.adopting.Lock()
	defer s.adopting.Unlock()
	return s.running
}

// suspension is one Suspend. Loops wait for its end.
type suspension struct {
	over    chan struct{} // closed when it is over
	leaves  bool          // valid when it is over
	passing chan struct{} // closed when a successor serves
	passOn  func(listener string, frame []byte)
}

// endSuspension is called with suspending held.
func (s *Server) endSuspension(leave bool) error {
	now := s.suspension.Swap(nil)
	if now == nil {
		return ErrNotSuspended
	}
	now.leaves = leave
	close(now.over)
	if leave {
		s.leave()
	}
	return nil
}

// awaitResume waits until the suspension is over, and reports whether the server goes on: otherwise it
// leaves. A nil suspension is over.
func (on *suspension) awaitResume(ctx context.Context) bool {
	if on == nil {
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-on.over:
		return !on.leaves
	}
}

// requestSuspension suspends the loop at the end of a turn, and returns when it is, or has ended.
func (l *serverLoop) requestSuspension(on *suspension) {
	suspended := make(chan struct{})
	l.loop.call(func(time.Time) {
		l.loop.suspend = func(ctx context.Context) bool { return l.suspend(ctx, on, suspended) }
	})
	select {
	case <-suspended:
	case <-l.loop.ended:
	}
}

// suspend writes what the store does not have, waits until the suspension is over, and reports whether the
// loop goes on.
func (l *serverLoop) suspend(ctx context.Context, on *suspension, suspended chan<- struct{}) bool {
	l.writeAllCounters(time.Now())
	close(suspended)
	if l.loop.hold(ctx, on) {
		l.goOn(time.Now())
		return true
	}
	l.loop.stopReading()
	l.writeAllCounters(time.Now())
	return false
}

// goOn handles the frames that wait.
func (l *serverLoop) goOn(now time.Time) {
	l.stopFinishing()
	l.loop.handleHeld(now)
}

// writeAllCounters writes the counters of all sessions that have changed.
func (l *serverLoop) writeAllCounters(now time.Time) {
	if l.records.store == nil {
		return
	}
	for s := range l.loop.sessions.All() {
		l.writeCounters(now, s)
	}
}
