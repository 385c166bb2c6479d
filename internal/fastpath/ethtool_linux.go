package fastpath

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Commands of SIOCETHTOOL (linux/ethtool.h).
const (
	ethtoolGetTxChecksum = 0x16
	ethtoolGetTSO        = 0x1e
	ethtoolGetStrings    = 0x1b
	ethtoolGetSetInfo    = 0x37
	ethtoolGetFeatures   = 0x3a
)

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ command, data uint32 }

// offloads are what an Ethernet interface does with what it is to send.
type offloads struct {
	segments bool // it takes packets that are yet to be cut
	// generic: it finishes checksums wherever they are; narrow: only where it finds them
	// itself, in frames of IP.
	generic, narrow bool
}

// ethtool asks drivers of the network namespace in which it was opened: its descriptor.
type ethtool int

func openEthtool() (ethtool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return ethtool(fd), err
}

func (t ethtool) close() error { return unix.Close(int(t)) }

func (t ethtool) offloads(name string) (o offloads, err error) {
	tso := ethtoolValue{command: ethtoolGetTSO}
	checksum := ethtoolValue{command: ethtoolGetTxChecksum}
	if err := t.ask(name, unsafe.Pointer(&tso)); err != nil {
		return o, err
	}
	if err := t.ask(name, unsafe.Pointer(&checksum)); err != nil {
		return o, err
	}
	o.segments = tso.data != 0
	if checksum.data != 0 {
		o.generic, err = t.feature(name, "tx-checksum-ip-generic")
		o.narrow = !o.generic
	}
	return o, err
}

// What the kernel may have of features: far more than it has.
const (
	maxFeatures   = 256
	featureName   = 32
	featureSet    = 4 // ETH_SS_FEATURES
	featureBlocks = maxFeatures / 32
)

// feature says whether the interface has a feature of a name switched on.
func (t ethtool) feature(name, want string) (bool, error) {
	var names struct {
		command, set, n uint32
		text            [maxFeatures][featureName]byte
	}
	names.command, names.set = ethtoolGetStrings, featureSet
	var info struct {
		command, reserved uint32
		mask              uint64
		n                 uint32
	}
	info.command, info.mask = ethtoolGetSetInfo, 1<<featureSet
	if err := t.ask(name, unsafe.Pointer(&info)); err != nil {
		return false, err
	}
	if info.n > maxFeatures {
		return false, fmt.Errorf("%s: the kernel knows %d features, more than expected", name, info.n)
	}
	if err := t.ask(name, unsafe.Pointer(&names)); err != nil {
		return false, err
	}
	var state struct {
		command, n uint32
		blocks     [featureBlocks]struct{ available, requested, active, never uint32 }
	}
	state.command, state.n = ethtoolGetFeatures, featureBlocks
	if err := t.ask(name, unsafe.Pointer(&state)); err != nil {
		return false, err
	}
	for i := range min(names.n, maxFeatures) {
		if unix.ByteSliceToString(names.text[i][:]) == want {
			return state.blocks[i/32].active&(1<<(i%32)) != 0, nil
		}
	}
	return false, nil
}

// ask asks the driver of an interface; the argument begins with the command.
func (t ethtool) ask(name string, argument unsafe.Pointer) error {
	// struct ifreq, of which the kernel reads 40 octets.
	var request struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(request.name[:unix.IFNAMSIZ-1], name)
	request.data = argument
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(t), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("%s: ethtool command %#x: %w", name, *(*uint32)(argument), errno)
	}
	return nil
}
