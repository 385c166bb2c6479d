package afpacket

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// AttachProgram replaces the port's filter by an eBPF program of type BPF_PROG_TYPE_SOCKET_FILTER,
// given by its descriptor. The program must not pass frames that the filter of Open would drop. Frames
// that a port has received since Open are dropped, as the program may not have passed them; those of an
// inherited socket are not.
func (p *Port) AttachProgram(fd int) error {
	var err error
	failed := p.raw.Control(func(socket uintptr) {
		err = unix.SetsockoptInt(int(socket), unix.SOL_SOCKET, unix.SO_ATTACH_BPF, fd)
		if err == nil && !p.inherited {
			err = discardReceived(int(socket))
		}
	})
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("%s: %w", p.iface.Name, err)
	}
	return nil
}

// maxDiscarded bounds the work under a flood: a socket's buffer holds fewer frames.
const maxDiscarded = 1 << 20

// discardReceived drops the frames that wait in a socket.
func discardReceived(socket int) error {
	for range maxDiscarded {
		_, _, err := unix.Recvfrom(socket, nil, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		}
	}
	return nil
}
