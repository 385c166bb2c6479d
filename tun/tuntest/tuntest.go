// Package tuntest is a tun.Device in memory, for tests: Inject queues packets from the host, and
// Received yields packets to the host. It blocks only on channels, so that testing/synctest knows
// when it waits.
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

// backlog is the number of packets that are queued in each direction; more are lost, as on a real
// device.
const backlog = 256

// New returns a device with a name.
func New(name string) *Device {
	return &Device{
		name:    name,
		toRead:  make(chan []byte, backlog),
		written: make(chan []byte, backlog),
		closed:  make(chan struct{}),
	}
}

// Inject queues a copy of a packet for Read, as if the host had sent it. It returns false if the
// queue is full.
func (d *Device) Inject(packet []byte) bool {
	select {
	case d.toRead <- append([]byte(nil), packet...):
		return true
	default:
		return false
	}
}

// Received yields the packets written to the host.
func (d *Device) Received() <-chan []byte { return d.written }

// Closed is closed by Close.
func (d *Device) Closed() <-chan struct{} { return d.closed }

// Name is the name given to New.
func (d *Device) Name() string { return d.name }

// BatchSize is 1.
func (d *Device) BatchSize() int { return 1 }

// Read waits for a packet. One that is longer than the buffer is truncated, as by the kernel. After
// Close it returns os.ErrClosed, even if packets are queued.
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

// Write passes packets to Received. Packets beyond the queue are lost, and not counted.
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
