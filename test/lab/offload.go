package lab

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Offload is an offload of an interface.
type Offload uint32

// Offloads, which ethtool(8) calls tx, rx, tso, gso and gro. The values are the commands that set
// them (linux/ethtool.h).
const (
	TxChecksum Offload = 0x17 // ETHTOOL_STXCSUM
	RxChecksum Offload = 0x15 // ETHTOOL_SRXCSUM
	TSO        Offload = 0x1f // ETHTOOL_STSO
	GSO        Offload = 0x24 // ETHTOOL_SGSO
	GRO        Offload = 0x2c // ETHTOOL_SGRO
)

// Offload turns offloads of an interface on or off.
func (n *Namespace) Offload(name string, on bool, what ...Offload) error {
	return n.ethtool(name, func(ask ethtoolRequest) error {
		for _, w := range what {
			value := ethtoolValue{command: uint32(w)}
			if on {
				value.data = 1
			}
			if err := ask(&value); err != nil {
				return fmt.Errorf("%s: set offload %#x: %w", name, uint32(w), err)
			}
		}
		return nil
	})
}

// OffloadVLAN turns insertion and stripping of VLAN tags by an interface on or off (txvlan and
// rxvlan of ethtool(8)). It is an error if the interface does not comply.
func (n *Namespace) OffloadVLAN(name string, on bool) error {
	const getFlags, setFlags, both = 0x25, 0x26, 1<<7 | 1<<8 // linux/ethtool.h
	return n.ethtool(name, func(ask ethtoolRequest) error {
		value := ethtoolValue{command: getFlags}
		if err := ask(&value); err != nil {
			return err
		}
		value.command = setFlags
		value.data &^= both
		if on {
			value.data |= both
		}
		if err := ask(&value); err != nil {
			return err
		}
		want := value.data
		value.command = getFlags
		if err := ask(&value); err != nil || value.data != want {
			return fmt.Errorf("%s has offloads %#x, want %#x: %w", name, value.data, want, err)
		}
		return nil
	})
}

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ command, data uint32 }

// ethtoolRequest performs an ethtool ioctl on an interface.
type ethtoolRequest func(*ethtoolValue) error

// ethtool calls a function with the ethtool ioctl of an interface.
func (n *Namespace) ethtool(name string, do func(ethtoolRequest) error) error {
	return n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return do(func(value *ethtoolValue) error {
			// struct ifreq, which has 40 octets.
			request := struct {
				name [unix.IFNAMSIZ]byte
				data unsafe.Pointer
				rest [16]byte
			}{data: unsafe.Pointer(value)}
			copy(request.name[:], name)
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
				return errno
			}
			return nil
		})
	})
}
