package dialondemand

import (
	"errors"
	"os"
	"sync"
	"time"
)

// sessionDevice is the device as one session sees it. Its Close leaves the device open.
type sessionDevice struct {
	Device
	network   *Network
	ready     chan struct{} // closed when packets can flow
	readyOnce sync.Once     // guards ready
	closed    chan struct{}
	closeOnce sync.Once
	queued    [][]byte // packets queued before the session, still to be read
	started   bool
}

// Close makes a blocked Read return.
func (l *sessionDevice) Close() error {
	l.closeOnce.Do(func() { close(l.closed) })
	return l.Device.SetReadDeadline(time.Unix(1, 0))
}

// Read waits until packets can flow, and returns those queued before the session first.
func (l *sessionDevice) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	select {
	case <-l.closed:
		return 0, os.ErrClosed
	case <-l.ready:
	}
	if !l.started {
		l.started, l.queued = true, l.network.takeQueued()
	}
	if len(l.queued) > 0 {
		sizes[0] = copy(bufs[0][headroom:], l.queued[0])
		l.queued = l.queued[1:]
		return 1, nil
	}
	n, err := l.Device.Read(bufs, sizes, headroom)
	if errors.Is(err, os.ErrDeadlineExceeded) && l.isClosed() {
		return 0, os.ErrClosed
	}
	return n, err
}

func (l *sessionDevice) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}
