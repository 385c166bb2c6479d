package ebpf

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
	ethtoolSetFeatures   = 0x3b
)

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ command, data uint32 }

// offloads are what an Ethernet interface does with what it is to send.
type offloads struct {
	tso bool // it takes packets that are yet to be cut
	// generic: it finishes checksums wherever they are; narrow: only where it finds them
	// itself, in frames of IP.
	anyChecksum, ipChecksum bool
}

// ethtool asks drivers of the network namespace in which it was opened: its descriptor.
type ethtool int

func openEthtool() (ethtool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return ethtool(fd), err
}

func (t ethtool) close() error { return unix.Close(int(t)) }

// index is that of the interface that has a name now.
func (t ethtool) index(name string) (int, error) {
	request, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(int(t), unix.SIOCGIFINDEX, request); err != nil {
		return 0, err
	}
	return int(request.Uint32()), nil
}

// name is that which the interface of an index has now.
func (t ethtool) name(index int) (string, error) {
	request, err := unix.NewIfreq("")
	if err != nil {
		return "", err
	}
	request.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(int(t), unix.SIOCGIFNAME, request); err != nil {
		return "", fmt.Errorf("interface %d: %w", index, err)
	}
	return request.Name(), nil
}

// offloads asks what an interface does now.
func (t ethtool) offloads(name string) (o offloads, err error) {
	tso := ethtoolValue{command: ethtoolGetTSO}
	checksum := ethtoolValue{command: ethtoolGetTxChecksum}
	if err := t.ioctl(name, unsafe.Pointer(&tso)); err != nil {
		return o, err
	}
	if err := t.ioctl(name, unsafe.Pointer(&checksum)); err != nil {
		return o, err
	}
	o.tso = tso.data != 0
	if checksum.data != 0 {
		f, err := t.features(name)
		if err != nil {
			return o, err
		}
		o.anyChecksum = f.enabled("tx-checksum-ip-generic")
		o.ipChecksum = !o.anyChecksum
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

// features are what an interface does, by the names that ethtool has for it.
type features struct {
	bits   map[string]uint32
	active [featureBlocks]uint32
	blocks uint32 // how many the kernel has
}

// enabled reports whether the interface has a feature switched on.
func (f *features) enabled(name string) bool {
	bit, ok := f.bits[name]
	return ok && f.active[bit/32]&(1<<(bit%32)) != 0
}

func (t ethtool) features(name string) (*features, error) {
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
	if err := t.ioctl(name, unsafe.Pointer(&info)); err != nil {
		return nil, err
	}
	if info.n > maxFeatures {
		return nil, fmt.Errorf("%s: the kernel knows %d features, more than expected", name, info.n)
	}
	if err := t.ioctl(name, unsafe.Pointer(&names)); err != nil {
		return nil, err
	}
	var state struct {
		command, n uint32
		blocks     [featureBlocks]struct{ available, requested, active, never uint32 }
	}
	state.command, state.n = ethtoolGetFeatures, featureBlocks
	if err := t.ioctl(name, unsafe.Pointer(&state)); err != nil {
		return nil, err
	}
	f := &features{bits: make(map[string]uint32), blocks: state.n}
	for i := range min(names.n, maxFeatures) {
		f.bits[unix.ByteSliceToString(names.text[i][:])] = i
	}
	for i, b := range state.blocks {
		f.active[i] = b.active
	}
	return f, nil
}

// setFeatures has an interface do some of its features, or no longer. What it does not
// take it leaves as it is, and says nothing.
func (t ethtool) setFeatures(name string, f *features, words []string, on bool) error {
	var request struct {
		command, n uint32
		blocks     [featureBlocks]struct{ valid, requested uint32 }
	}
	request.command = ethtoolSetFeatures
	for _, word := range words {
		bit, ok := f.bits[word]
		if !ok {
			continue
		}
		block := &request.blocks[bit/32]
		block.valid |= 1 << (bit % 32)
		if on {
			block.requested |= 1 << (bit % 32)
		}
	}
	request.n = f.blocks // the kernel takes no other number
	return t.ioctl(name, unsafe.Pointer(&request))
}

// ioctl asks the driver of an interface; the argument begins with the command.
func (t ethtool) ioctl(name string, argument unsafe.Pointer) error {
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
