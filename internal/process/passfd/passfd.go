// Package passfd passes open files to other processes over Unix sockets (SCM_RIGHTS, unix(7)).
package passfd

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// MaxFiles is the number of files that a message may have; SCM_MAX_FD of the kernel is 253.
const MaxFiles = 250

// ErrTruncated reports that a received message did not fit, or had something in it that is not a
// descriptor.
var ErrTruncated = errors.New("a message with descriptors was truncated or is malformed")

// Send sends a message with at most MaxFiles files over a connected socket. They stay open.
func Send(conn *net.UnixConn, message []byte, files ...*os.File) error {
	raw, err := conn.SyscallConn() // WriteMsgUnix refuses connected datagram sockets
	if err != nil {
		return err
	}
	return withDescriptors(files, nil, func(fds []int) error {
		var rights []byte
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		var err error
		failed := raw.Write(func(socket uintptr) (done bool) {
			err = unix.Sendmsg(int(socket), message, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
			return err != unix.EAGAIN && err != unix.EINTR
		})
		return errors.Join(failed, err)
	})
}

// withDescriptors calls do with the descriptors of files, which cannot be closed until it returns.
// os.File.Fd would change their mode.
func withDescriptors(files []*os.File, fds []int, do func(fds []int) error) error {
	if len(files) == 0 {
		return do(fds)
	}
	raw, err := files[0].SyscallConn()
	if err != nil {
		return err
	}
	failed := raw.Control(func(fd uintptr) { err = withDescriptors(files[1:], append(fds, int(fd)), do) })
	return errors.Join(failed, err)
}

// Receive receives a message, which must fit into a buffer, with its files. Programs that this one starts
// do not inherit them. The error is io.EOF if the other side has closed its socket.
func Receive(conn *net.UnixConn, into []byte) (n int, files []*os.File, err error) {
	rights := make([]byte, unix.CmsgSpace(4*MaxFiles))
	n, nr, flags, _, err := conn.ReadMsgUnix(into, rights) // sets MSG_CMSG_CLOEXEC
	switch {
	case errors.Is(err, io.EOF), err == nil && n == 0:
		return 0, nil, io.EOF
	case err != nil:
		return 0, nil, err
	}
	files, err = parse(rights[:nr])
	if err == nil && flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = ErrTruncated
	}
	if err != nil {
		Close(files)
		return 0, nil, err
	}
	return n, files, nil
}

// parse returns the files of control messages.
func parse(b []byte) (files []*os.File, err error) {
	messages, err := unix.ParseSocketControlMessage(b)
	if err != nil {
		return nil, ErrTruncated
	}
	for i := range messages {
		fds, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			continue // credentials, which nobody has asked for
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received descriptor"))
		}
	}
	return files, nil
}

// Close closes files.
func Close(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// Duplicate returns another descriptor of what a connection or a file has, as a file of a name. It does not
// change whether it blocks, which os.File.Fd would.
func Duplicate(of syscall.Conn, name string) (*os.File, error) {
	raw, err := of.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd := -1
	failed := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err := errors.Join(failed, err); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
