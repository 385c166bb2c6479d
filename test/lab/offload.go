package lab

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offload is work that an interface does for the kernel.
type Offload uint32

// Those that tests switch: ethtool(8) calls them tx, rx, tso, gso and gro. The values are
// the commands that switch them (linux/ethtool.h).
const (
	ChecksumOut     Offload = 0x17 // ETHTOOL_STXCSUM
	ChecksumIn      Offload = 0x15 // ETHTOOL_SRXCSUM
	SegmentTCP      Offload = 0x1f // ETHTOOL_STSO
	SegmentSoftware Offload = 0x24 // ETHTOOL_SGSO
	Join            Offload = 0x2c // ETHTOOL_SGRO
)

// Offload switches offloads of an interface.
func (n *Namespace) Offload(name string, on bool, what ...Offload) error {
	return n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, w := range what {
			if err := w.set(fd, name, on); err != nil {
				return fmt.Errorf("%s: switch offload %#x: %w", name, uint32(w), err)
			}
		}
		return nil
	})
}

// set asks the kernel: a struct ifreq with a struct ethtool_value.
func (o Offload) set(fd int, name string, on bool) error {
	value := struct{ command, data uint32 }{command: uint32(o)}
	if on {
		value.data = 1
	}
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		rest [16]byte
	}{data: unsafe.Pointer(&value)}
	copy(request.name[:], name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}
