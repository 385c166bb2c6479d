package afpacket

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// socket is a packet socket that the runtime's poller does not know. That asks the kernel
// to tell it of every frame that comes, and of every one that has gone out, even while
// the program is busy with those before: a wakeup a frame, each way. Whoever has nothing
// to do waits for the socket itself instead, on a thread of its own.
type socket struct {
	file      *os.File
	raw       syscall.RawConn
	wakeup    *os.File // an eventfd: rings when somebody who waits shall look again
	wakeupRaw syscall.RawConn
	closed    atomic.Bool
}

// adopt takes the socket over from a connection, and closes that.
func (s *socket) adopt(conn *packet.Conn) error {
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	failed := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(failed, err); err != nil {
		return err
	}
	// A file that blocks is none for the poller. No call blocks: each says MSG_DONTWAIT.
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return err
	}
	bell, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		unix.Close(fd)
		return err
	}
	s.file, s.wakeup = os.NewFile(uintptr(fd), "packet socket"), os.NewFile(uintptr(bell), "eventfd")
	s.raw, err = s.file.SyscallConn()
	if err == nil {
		s.wakeupRaw, err = s.wakeup.SyscallConn()
	}
	if err != nil {
		s.file.Close()
		s.wakeup.Close()
	}
	return err
}

// wake has whoever waits look again.
func (s *socket) wake() {
	one := binary.NativeEndian.AppendUint64(nil, 1)
	s.wakeup.Write(one) // fails only once the bell is closed, when nobody waits
}

// close makes those who wait come back. The descriptors go when the last has.
func (s *socket) close() error {
	if s.closed.Swap(true) {
		return os.ErrClosed
	}
	s.wake()
	return errors.Join(s.file.Close(), s.wakeup.Close())
}

// waiter is a wait for the socket to be ready for something. It is kept, so that it costs
// no allocation.
type waiter struct {
	*socket
	fds         [2]unix.PollFd
	nfds        int           // of those: a reader hears the bell, a writer does not
	timeout     time.Duration // 0: none
	interrupted bool
	poll        func(bell uintptr)
}

// initReader is that of a reader's wait for frames.
func (a *waiter) initReader(s *socket) {
	a.socket, a.nfds, a.poll = s, 2, a.wait
	a.fds[0].Events, a.fds[1].Events = unix.POLLIN, unix.POLLIN
}

// initWriter is that of a writer's wait for room.
func (a *waiter) initWriter(s *socket, timeout time.Duration) {
	a.socket, a.nfds, a.poll, a.timeout = s, 1, a.wait, timeout
	a.fds[0].Events = unix.POLLOUT
}

// ready waits, while the caller holds the socket's descriptor. It says no if the bell has
// rung, the time is over, or the socket is closed.
func (a *waiter) ready(fd uintptr) bool {
	a.fds[0].Fd = int32(fd)
	// Neither descriptor can be closed, and become another's, while it is held.
	return a.wakeupRaw.Control(a.poll) == nil && !a.interrupted && !a.closed.Load()
}

func (a *waiter) wait(bell uintptr) {
	var limit *unix.Timespec
	var timeout unix.Timespec
	if a.timeout > 0 {
		timeout = unix.NsecToTimespec(a.timeout.Nanoseconds())
		limit = &timeout
	}
	a.fds[1].Fd = int32(bell)
	n, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds[0])), uintptr(a.nfds), uintptr(unsafe.Pointer(limit)), 0, 0, 0)
	rung := a.fds[1].Revents != 0
	a.interrupted = errno == 0 && n == 0 || rung
	if rung && !a.closed.Load() { // for the end it goes on ringing
		var count [8]byte
		unix.Read(int(bell), count[:])
	}
}
