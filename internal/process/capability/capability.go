// Package capability drops the Linux capabilities that a program does not need, and protects its
// memory. It cannot acquire any.
package capability

import (
	"errors"
	"fmt"
	"log/slog"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Capability is a Linux capability (capabilities(7)).
type Capability uint

// Capabilities that the programs may need.
const (
	NetRaw         Capability = unix.CAP_NET_RAW
	NetAdmin       Capability = unix.CAP_NET_ADMIN
	SysAdmin       Capability = unix.CAP_SYS_ADMIN // to enter network namespaces
	BPF            Capability = unix.CAP_BPF
	Perfmon        Capability = unix.CAP_PERFMON
	NetBindService Capability = unix.CAP_NET_BIND_SERVICE
)

// TryDropAllExcept is DropAllExcept for a program that goes on in any case: an error is logged.
func TryDropAllExcept(log *slog.Logger, keep ...Capability) {
	switch err := DropAllExcept(keep...); {
	case errors.Is(err, errors.ErrUnsupported):
		log.Debug(err.Error())
	case err != nil:
		log.Warn(err.Error())
	}
}

// DropAllExcept drops all capabilities of all threads, except those given, permanently; a program
// that it starts as root gets them all again. Built with cgo it does nothing: the error is
// errors.ErrUnsupported.
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
		return fmt.Errorf("drop capabilities: %w (build with CGO_ENABLED=0)", errors.ErrUnsupported)
	}
	return fmt.Errorf("drop capabilities: %w", errno)
}

// Has reports whether this thread has a capability in effect. One that the kernel does not know, it has not.
func Has(c Capability) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	return int(c/32) < len(data) && unix.Capget(&header, &data[0]) == nil && data[c/32].Effective&(1<<(c%32)) != 0
}
