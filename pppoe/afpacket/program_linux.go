package afpacket

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// AttachProgram replaces the port's filter by an eBPF program of type BPF_PROG_TYPE_SOCKET_FILTER,
// given by its descriptor. The program must not pass frames that the filter of Open would drop.
func (p *Port) AttachProgram(fd int) error {
	var err error
	failed := p.raw.Control(func(socket uintptr) {
		err = unix.SetsockoptInt(int(socket), unix.SOL_SOCKET, unix.SO_ATTACH_BPF, fd)
	})
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("%s: %w", p.iface.Name, err)
	}
	return nil
}
