// Package xsk is a pppoe.Port of session frames on an AF_XDP socket, made to be measured
// against the packet socket of package afpacket; see ../README.md for what came of it. It
// serves the first queue of an interface, and no VLAN.
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

// Port is an AF_XDP socket. One goroutine may read; all other methods may be called
// concurrently. Frames that ReadBatch returns lie in the socket's own memory, and are valid
// until the next call. Socket and memory stay until the process ends.
type Port struct {
	nic        *net.Interface
	socket     *socket
	closeEvent int // an eventfd: rings when the port is closed
	closed     atomic.Bool
	returned   []uint64 // memory of the frames that ReadBatch has returned

	since     time.Time // the beginning of a period
	frames    int       // since then
	streaming bool      // the period before had as many as make one

	mu   sync.Mutex // guards what follows, and the rings to send by
	free []uint64   // memory for frames to be sent
}

var _ datapath.Gatherer = (*Port)(nil)

// Open opens a port. It takes the interface's XDP hook, and CAP_NET_ADMIN, CAP_NET_RAW and
// CAP_BPF; the error names the interface.
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

// Describe says how frames go between driver and socket.
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

// Addr is the address that the interface had when the port was opened.
func (p *Port) Addr() wire.Addr { return wire.Addr(p.nic.HardwareAddr) }

// MTU is that which the interface had when the port was opened.
func (p *Port) MTU() int { return p.nic.MTU }

// Close makes a blocked ReadBatch return.
func (p *Port) Close() error {
	if p.closed.Swap(true) {
		return net.ErrClosed
	}
	unix.Write(p.closeEvent, binary.NativeEndian.AppendUint64(nil, 1))
	return p.socket.attached.Close()
}

// ReadBatch waits for frames. Their memory is not that which it is given.
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

// wait waits until there is something to be read, perhaps.
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

// What makes a stream, and how long the reader of one rests before it looks again: as
// package afpacket's, which says why.
const (
	period          = time.Millisecond
	minStreamFrames = 10
	pollInterval    = 50 * time.Microsecond
)

// updateStreaming reports whether frames come in such numbers that the kernel need not wake the reader
// for each burst.
func (p *Port) updateStreaming(now time.Time) bool {
	if passed := now.Sub(p.since); passed >= period {
		p.streaming = p.frames >= minStreamFrames && passed < 2*period
		p.since, p.frames = now, 0
	}
	return p.streaming
}

// WriteBatch sends frames. One for which there is no memory, or that is too long for it,
// does not hold up those behind it.
func (p *Port) WriteBatch(frames [][]byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reclaim()
	for _, f := range frames {
		n += p.put(f, nil)
	}
	return n, p.send()
}

// WriteGather is WriteBatch for frames in pieces.
func (p *Port) WriteGather(frames [][2][]byte) (n int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reclaim()
	for _, f := range frames {
		n += p.put(f[0], f[1])
	}
	return n, p.send()
}

// reclaim takes back the memory of frames that have gone out.
func (p *Port) reclaim() {
	s := p.socket
	for range s.completion.available() {
		p.free = append(p.free, s.completion.next())
	}
	s.completion.release()
}

// put copies a frame into the socket's memory, and returns how many that were. There is no
// more such memory than there are places in the ring.
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

// send has the kernel send what was put. A call may send only a part, and fail then; a
// device that takes nothing for some milliseconds finds the rest with the next call.
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
