package afpacket

import (
	"errors"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pollerWaiter waits for frames by the runtime's poller, for a reader that receives no IP packets. While a
// goroutine waits in a system call, the runtime's monitor checks it every 20 microseconds for the first
// millisecond, and then less often, down to every 10 milliseconds. That costs a server of many idle sessions a fifth of
// its processor time. A reader that waits here receives the first frame somewhat later.
//
// The poller knows an epoll(7) instance, not the socket, and that reports the socket once for each wait: frames
// received meanwhile, and frames sent, wake nobody.
type pollerWaiter struct {
	*socket
	file        *os.File        // the instance
	instance    syscall.RawConn // of file
	fd          uintptr         // of the socket, while ready waits
	armed       bool
	interrupted bool
	armSocket   func(instance uintptr) // these are kept, because a closure allocates
	takeEvents  func(instance uintptr) bool
}

// Data of the instance's events.
const (
	socketEvent int32 = iota
	wakeupEvent
)

func (w *pollerWaiter) init(s *socket) error {
	w.socket, w.armSocket, w.takeEvents = s, w.arm, w.take
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	err = errors.Join(unix.SetNonblock(fd, true),
		watch(fd, s.raw, unix.EpollEvent{Events: unix.EPOLLONESHOT, Fd: socketEvent}),
		watch(fd, s.wakeupRaw, unix.EpollEvent{Events: unix.EPOLLIN, Fd: wakeupEvent}))
	file := os.NewFile(uintptr(fd), "epoll")
	if err == nil {
		w.instance, err = file.SyscallConn()
	}
	if err != nil {
		file.Close()
		return err
	}
	w.file = file
	return nil
}

// close makes a waiting reader return.
func (w *pollerWaiter) close() error {
	if w.file == nil { // not initialized
		return nil
	}
	return w.file.Close()
}

// watch adds a descriptor to an instance.
func watch(instance int, of syscall.RawConn, event unix.EpollEvent) (err error) {
	failed := of.Control(func(fd uintptr) { err = unix.EpollCtl(instance, unix.EPOLL_CTL_ADD, int(fd), &event) })
	return errors.Join(failed, err)
}

// ready is as in waiter, without a timeout.
func (w *pollerWaiter) ready(fd uintptr) bool {
	w.fd, w.interrupted = fd, false
	return w.instance.Control(w.armSocket) == nil && w.armed && w.instance.Read(w.takeEvents) == nil &&
		!w.interrupted && !w.closed.Load()
}

// arm makes the instance report the socket once.
func (w *pollerWaiter) arm(instance uintptr) {
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLONESHOT, Fd: socketEvent}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, instance, unix.EPOLL_CTL_MOD, w.fd, uintptr(unsafe.Pointer(&event)), 0, 0)
	w.armed = errno == 0
}

// take takes the events of the instance, and returns false if there are none yet.
func (w *pollerWaiter) take(instance uintptr) bool {
	var events [2]unix.EpollEvent
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, instance, uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 {
		return false
	}
	for _, e := range events[:n] {
		if e.Fd == wakeupEvent {
			w.interrupted = true
			w.wakeupRaw.Control(readWakeup)
		}
	}
	return n > 0
}

// readWakeup makes an eventfd, which is readable, no longer so.
func readWakeup(eventfd uintptr) {
	var count [8]byte
	unix.Read(int(eventfd), count[:])
}
