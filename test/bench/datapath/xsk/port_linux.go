// Package xsk is a datapath.Port for session frames on an AF_XDP socket, made to be compared with
// the packet socket of package afpacket; see ../README.md for the result. It serves the first queue
// of an interface, and no VLAN.
package xsk

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

// Port is an AF_XDP socket. One goroutine may read; all other methods may be called concurrently.
// Frames returned by ReadBatch are in the socket's own memory, and valid until the next call.
// Socket and memory exist until the process ends.
type Port struct {
	nic        *net.Interface
	socket     *socket
	closeEvent int // an eventfd, readable once the port is closed
	closed     atomic.Bool
	returned   []uint64 // memory of the frames that ReadBatch returned last

	since     time.Time // the start of the period
	frames    int       // received in it
	streaming bool      // the previous period had minStreamFrames

	mu   sync.Mutex // guards free, and the rings for sending
	free []uint64   // memory for frames to be sent
}

var _ datapath.Gatherer = (*Port)(nil)

// Open opens a port. It attaches a program to the interface's XDP hook, and needs CAP_NET_ADMIN,
// CAP_NET_RAW and CAP_BPF. Errors name the interface.
func Open(name string) (*Port, error) {
	p, err := open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

func open(name string) (p *Port, err error) {
	p = &Port{}
	if p.nic, err = net.InterfaceByName(name); err != nil {
		return nil, err
	}
	if p.closeEvent, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return nil, err
	}
	if p.socket, err = openSocket(p.nic); err != nil {
		unix.Close(p.closeEvent)
		return nil, err
	}
	for i := range uint64(ringLen) {
		p.free = append(p.free, (ringLen+i)*frameLen)
	}
	return p, nil
}

// Describe returns how frames pass between driver and socket.
func (p *Port) Describe() string {
	mode, memory := "generic", "copied"
	if p.socket.native {
		mode = "native"
	}
	if p.socket.zeroCopy {
		memory = "not copied"
	}
	return fmt.Sprintf("AF_XDP, %s, frames are %s", mode, memory)
}

// Addr returns the address that the interface had when the port was opened.
func (p *Port) Addr() wire.Addr { return wire.Addr(p.nic.HardwareAddr) }

// MTU returns the MTU that the interface had when the port was opened.
func (p *Port) MTU() int { return p.nic.MTU }

// Close makes a blocked ReadBatch return.
func (p *Port) Close() error {
	if p.closed.Swap(true) {
		return net.ErrClosed
	}
	unix.Write(p.closeEvent, binary.NativeEndian.AppendUint64(nil, 1))
	return p.socket.attached.Close()
}

// ReadBatch waits for frames, and replaces the memory of those given.
func (p *Port) ReadBatch(frames []datapath.Frame) (int, error) {
	s := p.socket
	for _, at := range p.returned {
		s.fill.put(at)
	}
	p.returned = p.returned[:0]
	s.fill.publish()
	if s.fill.needsWakeup() {
		s.wake(unix.SYS_RECVFROM)
	}
	for {
		n := min(s.rx.available(), len(frames))
		for i := range n {
			d := s.rx.next()
			frames[i] = datapath.Frame{Data: s.memory[d.Addr:][:d.Len:d.Len]}
			p.returned = append(p.returned, d.Addr-d.Addr%frameLen)
		}
		if n > 0 {
			s.rx.release()
			p.frames += n
			return n, nil
		}
		if err := p.wait(); err != nil {
			return 0, err
		}
	}
}

// wait waits until frames may be available.
func (p *Port) wait() error {
	if p.closed.Load() {
		return fmt.Errorf("%s: %w", p.nic.Name, net.ErrClosed)
	}
	if p.updateStreaming(time.Now()) {
		rest := unix.NsecToTimespec(pollInterval.Nanoseconds())
		unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&rest)), 0, 0)
		return nil
	}
	fds := [2]unix.PollFd{{Fd: int32(p.socket.fd), Events: unix.POLLIN}, {Fd: int32(p.closeEvent), Events: unix.POLLIN}}
	if _, err := unix.Ppoll(fds[:], nil, nil); err != nil && err != unix.EINTR {
		return fmt.Errorf("%s: %w", p.nic.Name, err)
	}
	return nil
}

// What makes a stream, and the interval at which its reader polls, as in package afpacket, which
// gives the reasons.
const (
	period          = time.Millisecond
	minStreamFrames = 10
	pollInterval    = 50 * time.Microsecond
)

// updateStreaming reports whether so many frames arrive that the kernel need not wake the reader
// for each burst.
func (p *Port) updateStreaming(now time.Time) bool {
	if passed := now.Sub(p.since); passed >= period {
		p.streaming = p.frames >= minStreamFrames && passed < 2*period
		p.since, p.frames = now, 0
	}
	return p.streaming
}

// WriteBatch sends frames. A frame that is too long, or for which no memory is free, does not hold
// up the next.
func (p *Port) WriteBatch(frames [][]byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reclaim()
	for _, f := range frames {
		n += p.put(f, nil)
	}
	return n, p.send()
}

// WriteGather is WriteBatch for frames in two parts.
func (p *Port) WriteGather(frames [][2][]byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reclaim()
	for _, f := range frames {
		n += p.put(f[0], f[1])
	}
	return n, p.send()
}

// reclaim takes back the memory of frames that have been sent.
func (p *Port) reclaim() {
	s := p.socket
	for range s.completion.available() {
		p.free = append(p.free, s.completion.next())
	}
	s.completion.release()
}

// put copies a frame into the socket's memory, and returns the number of frames copied, 0 or 1. The
// memory has as many frames as the ring has entries.
func (p *Port) put(head, payload []byte) int {
	last := len(p.free) - 1
	if last < 0 || len(head)+len(payload) > frameLen {
		return 0
	}
	s, at := p.socket, p.free[last]
	p.free = p.free[:last]
	copy(s.memory[at:], head)
	copy(s.memory[at+uint64(len(head)):], payload)
	s.tx.put(unix.XDPDesc{Addr: at, Len: uint32(len(head) + len(payload))})
	return 1
}

// send has the kernel send the published frames. A call may send only some of them and fail; if the
// device accepts none for some milliseconds, the rest is sent by the next call.
func (p *Port) send() error {
	s := p.socket
	s.tx.publish()
	for left, idle := s.tx.unconsumed(), 0; left > 0 && s.tx.needsWakeup() && idle < 3; {
		if errno := s.wake(unix.SYS_SENDTO); errno != 0 && errno != unix.EAGAIN && errno != unix.EBUSY && errno != unix.ENOBUFS {
			return fmt.Errorf("%s: %w", p.nic.Name, errno)
		}
		now := s.tx.unconsumed()
		if now == left {
			idle++
			unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}, 1)
		}
		left = now
	}
	return nil
}
