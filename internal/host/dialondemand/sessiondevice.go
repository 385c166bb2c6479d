package dialondemand

import (
	"errors"
	"os"
	"sync"
	"time"
)

// lent is the device as one session has it: closed, it is only given back.
type lent struct {
	Device
	host   *Network
	ready  chan struct{} // closed when packets can flow
	open   sync.Once     // guards that
	closed chan struct{}
	shut   sync.Once
	kept   [][]byte // what waited for the session, and is still to be read
	begun  bool
}

// Close makes a blocked Read return.
func (l *lent) Close() error {
	l.shut.Do(func() { close(l.closed) })
	return l.Device.SetReadDeadline(time.Unix(1, 0))
}

// Read waits until packets can flow, and then reads those that waited for that first.
func (l *lent) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	select {
	case <-l.closed:
		return 0, os.ErrClosed
	case <-l.ready:
	}
	if !l.begun {
		l.begun, l.kept = true, l.host.take()
	}
	if len(l.kept) > 0 {
		sizes[0] = copy(bufs[0][headroom:], l.kept[0])
		l.kept = l.kept[1:]
		return 1, nil
	}
	n, err := l.Device.Read(bufs, sizes, headroom)
	if errors.Is(err, os.ErrDeadlineExceeded) && l.isClosed() {
		return 0, os.ErrClosed
	}
	return n, err
}

func (l *lent) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}
