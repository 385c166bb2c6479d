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

// socket is a packet socket that is not registered with the runtime's poller. The poller would be
// woken for each frame received, and each frame sent, even while the program is busy with earlier
// ones. Instead, an idle goroutine waits for the socket itself, on a thread of its own; or, where no
// packets are received, as pollerWaiter says.
type socket struct {
	file      *os.File
	raw       syscall.RawConn
	wakeup    *os.File // an eventfd that interrupts a waiting reader
	wakeupRaw syscall.RawConn
	closed    atomic.Bool
}

// adopt duplicates the socket of a connection, and closes the connection.
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
	// The poller ignores a blocking file. No call blocks: each passes MSG_DONTWAIT.
	if err := unix.SetNonblock(fd, false); err != nil {
		unix.Close(fd)
		return err
	}
	file := os.NewFile(uintptr(fd), "packet socket")
	if err := s.use(file); err != nil {
		file.Close()
		return err
	}
	return nil
}

// use makes a file, which blocks, the socket's, unless there is an error.
func (s *socket) use(file *os.File) error {
	eventfd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return err
	}
	s.file, s.wakeup = file, os.NewFile(uintptr(eventfd), "eventfd")
	s.raw, err = s.file.SyscallConn()
	if err == nil {
		s.wakeupRaw, err = s.wakeup.SyscallConn()
	}
	if err != nil {
		s.wakeup.Close()
	}
	return err
}

// wake makes a waiting reader return.
func (s *socket) wake() {
	one := binary.NativeEndian.AppendUint64(nil, 1)
	s.wakeup.Write(one) // fails only once the eventfd is closed, when nobody waits
}

// close makes waiting readers and writers return. The descriptors are closed after the last.
func (s *socket) close() error {
	if s.closed.Swap(true) {
		return os.ErrClosed
	}
	s.wake()
	return errors.Join(s.file.Close(), s.wakeup.Close())
}

// waiter waits until the socket is ready. It is kept, so that waiting does not allocate.
type waiter struct {
	*socket
	fds         [2]unix.PollFd
	nfds        int           // number of fds used: a reader polls the eventfd, too, a writer does not
	timeout     time.Duration // 0: none
	interrupted bool
	poll        func(eventfd uintptr)
}

// initReader initializes a reader's waiter for frames.
func (w *waiter) initReader(s *socket) {
	w.socket, w.nfds, w.poll = s, 2, w.wait
	w.fds[0].Events, w.fds[1].Events = unix.POLLIN, unix.POLLIN
}

// initWriter initializes a writer's waiter for room.
func (w *waiter) initWriter(s *socket, timeout time.Duration) {
	w.socket, w.nfds, w.poll, w.timeout = s, 1, w.wait, timeout
	w.fds[0].Events = unix.POLLOUT
}

// ready waits while the caller holds the socket's descriptor. It returns false if wake was called,
// the timeout is over, or the socket is closed.
func (w *waiter) ready(fd uintptr) bool {
	w.fds[0].Fd = int32(fd)
	// While they are held, neither descriptor can be closed and reused.
	return w.wakeupRaw.Control(w.poll) == nil && !w.interrupted && !w.closed.Load()
}

func (w *waiter) wait(eventfd uintptr) {
	var limit *unix.Timespec
	var timeout unix.Timespec
	if w.timeout > 0 {
		timeout = unix.NsecToTimespec(w.timeout.Nanoseconds())
		limit = &timeout
	}
	w.fds[1].Fd = int32(eventfd)
	n, _, errno := unix.Syscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&w.fds[0])), uintptr(w.nfds), uintptr(unsafe.Pointer(limit)), 0, 0, 0)
	woken := w.fds[1].Revents != 0
	w.interrupted = errno == 0 && n == 0 || woken
	if woken && !w.closed.Load() { // after close it stays readable
		readWakeup(eventfd)
	}
}
