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

// offloads are the offload settings of an Ethernet interface for packets that it sends.
type offloads struct {
	tso bool // it accepts GSO packets
	// anyChecksum: it completes checksums at any offset; ipChecksum: only those that it finds
	// itself, in frames of IP.
	anyChecksum, ipChecksum bool
}

// ethtool is a socket for ethtool requests in the network namespace in which it was opened.
type ethtool int

func openEthtool() (ethtool, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return ethtool(fd), err
}

func (t ethtool) close() error { return unix.Close(int(t)) }

// index returns the index of the interface with a name.
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

// name returns the name of the interface with an index.
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

// offloads returns the current settings of an interface.
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

// Limits for the kernel's list of features, far above its present length.
const (
	maxFeatures    = 256
	featureNameLen = 32
	featureSet     = 4 // ETH_SS_FEATURES
	featureBlocks  = maxFeatures / 32
)

// features are the active features of an interface, by ethtool's names.
type features struct {
	bits   map[string]uint32
	active [featureBlocks]uint32
	blocks uint32 // as many as the kernel has
}

// enabled reports whether a feature is switched on.
func (f *features) enabled(name string) bool {
	bit, ok := f.bits[name]
	return ok && f.active[bit/32]&(1<<(bit%32)) != 0
}

func (t ethtool) features(name string) (*features, error) {
	var names struct {
		command, set, n uint32
		text            [maxFeatures][featureNameLen]byte
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
		return nil, fmt.Errorf("%s: the kernel has %d features, more than %d", name, info.n, maxFeatures)
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

// setFeatures switches features of an interface on or off. A feature that the driver keeps fixed,
// or does not know, is no error.
func (t ethtool) setFeatures(name string, f *features, names []string, on bool) error {
	var request struct {
		command, n uint32
		blocks     [featureBlocks]struct{ valid, requested uint32 }
	}
	request.command = ethtoolSetFeatures
	for _, feature := range names {
		bit, ok := f.bits[feature]
		if !ok {
			continue
		}
		block := &request.blocks[bit/32]
		block.valid |= 1 << (bit % 32)
		if on {
			block.requested |= 1 << (bit % 32)
		}
	}
	request.n = f.blocks // the kernel rejects any other number
	return t.ioctl(name, unsafe.Pointer(&request))
}

// ioctl sends a request to the driver of an interface. The argument begins with the command.
func (t ethtool) ioctl(name string, argument unsafe.Pointer) error {
	// struct ifreq; the kernel reads 40 octets.
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
