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
	file   *os.File
	raw    syscall.RawConn
	bell   *os.File // an eventfd: rings when somebody who waits shall look again
	ringer syscall.RawConn
	closed atomic.Bool
}

// take takes the socket over from a connection, and closes that.
func (s *socket) take(conn *packet.Conn) error {
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
	s.file, s.bell = os.NewFile(uintptr(fd), "packet socket"), os.NewFile(uintptr(bell), "eventfd")
	s.raw, err = s.file.SyscallConn()
	if err == nil {
		s.ringer, err = s.bell.SyscallConn()
	}
	if err != nil {
		s.file.Close()
		s.bell.Close()
	}
	return err
}

// ring has whoever waits look again.
func (s *socket) ring() {
	one := binary.NativeEndian.AppendUint64(nil, 1)
	s.bell.Write(one) // fails only once the bell is closed, when nobody waits
}

// close makes those who wait come back. The descriptors go when the last has.
func (s *socket) close() error {
	if s.closed.Swap(true) {
		return os.ErrClosed
	}
	s.ring()
	return errors.Join(s.file.Close(), s.bell.Close())
}

// await is a wait for the socket to be ready for something. It is kept, so that it costs
// no allocation.
type await struct {
	*socket
	fds     [2]unix.PollFd
	asked   int           // of those: a reader hears the bell, a writer does not
	timeout time.Duration // 0: none
	ended   bool
	poll    func(bell uintptr)
}

// init is that of a reader's wait for frames.
func (a *await) init(s *socket) {
	a.socket, a.asked, a.poll = s, 2, a.wait
	a.fds[0].Events, a.fds[1].Events = unix.POLLIN, unix.POLLIN
}

// initRoom is that of a writer's wait for room.
func (a *await) initRoom(s *socket, timeout time.Duration) {
	a.socket, a.asked, a.poll, a.timeout = s, 1, a.wait, timeout
	a.fds[0].Events = unix.POLLOUT
}

// ready waits, while the caller holds the socket's descriptor. It says no if the bell has
// rung, the time is over, or the socket is closed.
func (a *await) ready(fd uintptr) bool {
	a.fds[0].Fd = int32(fd)
	// Neither descriptor can be closed, and become another's, while it is held.
	return a.ringer.Control(a.poll) == nil && !a.ended && !a.closed.Load()
}

func (a *await) wait(bell uintptr) {
	var limit *unix.Timespec
	var timeout unix.Timespec
	if a.timeout > 0 {
		timeout = unix.NsecToTimespec(a.timeout.Nanoseconds())
		limit = &timeout
	}
	a.fds[1].Fd = int32(bell)
	n, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&a.fds[0])), uintptr(a.asked), uintptr(unsafe.Pointer(limit)), 0, 0, 0)
	rung := a.fds[1].Revents != 0
	a.ended = errno == 0 && n == 0 || rung
	if rung && !a.closed.Load() { // for the end it goes on ringing
		var count [8]byte
		unix.Read(int(bell), count[:])
	}
}
