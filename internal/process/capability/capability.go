// Package capability gives up what a program does not need: of all capabilities it keeps
// those of the network.
package capability

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capability is one of capabilities(7).
type Capability uint

// Capabilities that a program of ours may need.
const (
	NetRaw         Capability = unix.CAP_NET_RAW
	NetAdmin       Capability = unix.CAP_NET_ADMIN
	SysAdmin       Capability = unix.CAP_SYS_ADMIN // to go into other network namespaces
	BPF            Capability = unix.CAP_BPF
	Perfmon        Capability = unix.CAP_PERFMON
	NetBindService Capability = unix.CAP_NET_BIND_SERVICE
)

// SetNotDumpable has nobody but root look into the program's memory, where there are passwords: no
// debugger of the same user's, and no file of a core dump (PR_SET_DUMPABLE of prctl(2)). Programs
// that it starts are as usual.
func SetNotDumpable() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide the memory from others: %w", err)
	}
	return nil
}

// TryDropAllExcept is Keep for a program that goes on in any case: the log is told what did not work.
func TryDropAllExcept(log *slog.Logger, keep ...Capability) {
	switch err := DropAllExcept(keep...); {
	case errors.Is(err, errors.ErrUnsupported):
		log.Debug(err.Error())
	case err != nil:
		log.Warn(err.Error())
	}
}

// DropAllExcept has the program, in all its threads, keep of the capabilities that it has no
// others than these. It cannot get the rest back; programs that it starts as root can.
// Built with cgo it does nothing: the error is errors.ErrUnsupported.
func DropAllExcept(keep ...Capability) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	var kept [2]uint32
	for _, c := range keep {
		kept[c/32] |= 1 << (c % 32)
	}
	for i := range data {
		data[i].Permitted &= kept[i]
		data[i].Effective = data[i].Permitted
		data[i].Inheritable &= kept[i]
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	switch errno {
	case 0:
		return nil
	case unix.ENOTSUP:
		return fmt.Errorf("give up capabilities: %w (build with CGO_ENABLED=0)", errors.ErrUnsupported)
	}
	return fmt.Errorf("give up capabilities: %w", errno)
}
