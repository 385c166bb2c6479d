// Package tuntest is a tun.Device in memory, for tests: what the host would send
// is given by Inject, and what the host would receive comes out of Received.
// It blocks only on channels, so that testing/synctest can tell when it waits.
package tuntest

import (
	"os"
	"sync"

	"upppoe/tun"
)

// Device is a tun.Device in memory. All methods may be called concurrently.
type Device struct {
	name      string
	toRead    chan []byte
	written   chan []byte
	closed    chan struct{}
	closeOnce sync.Once
}

var _ tun.Device = (*Device)(nil)

// backlog is how many packets wait on each side; what comes beyond is lost, as it
// would be on a device.
const backlog = 256

// New makes a device.
func New(name string) *Device {
	return &Device{
		name:    name,
		toRead:  make(chan []byte, backlog),
		written: make(chan []byte, backlog),
		closed:  make(chan struct{}),
	}
}

// Inject has the device read a packet, as if the host had sent it. It says
// whether there was room.
func (d *Device) Inject(packet []byte) bool {
	select {
	case d.toRead <- append([]byte(nil), packet...):
		return true
	default:
		return false
	}
}

// Received yields the packets that were written to the host.
func (d *Device) Received() <-chan []byte { return d.written }

// Closed is closed with the device.
func (d *Device) Closed() <-chan struct{} { return d.closed }

// Name is the name given to New.
func (d *Device) Name() string { return d.name }

// BatchSize is 1.
func (d *Device) BatchSize() int { return 1 }

// Read waits for a packet. Of one that is longer than the buffer it gives the
// beginning, as the kernel does. After Close it gives none, even if some wait.
func (d *Device) Read(bufs [][]byte, sizes []int, headroom int) (int, error) {
	select {
	case <-d.closed:
		return 0, os.ErrClosed
	default:
	}
	select {
	case p := <-d.toRead:
		sizes[0] = copy(bufs[0][headroom:], p)
		return 1, nil
	case <-d.closed:
		return 0, os.ErrClosed
	}
}

// Write passes packets to Received. Those for which there is no room are lost, and
// not counted.
func (d *Device) Write(packets [][]byte, headroom int) (n int, err error) {
	select {
	case <-d.closed:
		return 0, os.ErrClosed
	default:
	}
	for _, p := range packets {
		select {
		case d.written <- append([]byte(nil), p[headroom:]...):
			n++
		default:
		}
	}
	return n, nil
}

// Close makes Read and Write fail.
func (d *Device) Close() error {
	d.closeOnce.Do(func() { close(d.closed) })
	return nil
}
