package ebpf

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/wire"
)

// EgressFence drops frames that this machine sends from an Ethernet address, from a deadline on. It covers every
// sender, also a process that has checked frames against the deadline, is stopped before it hands them to the
// kernel, and goes on later. It needs no Engine. All ends with the process, and not before: a process that is stopped keeps it.
// On kernels without TCX (Linux 6.6) filters of other programs see frames first, and may decide. Methods may be
// called concurrently.
type EgressFence struct {
	hooks   hooks
	program *ebpf.Program
	fence   *ebpf.Map
	memory  controlMemory

	mu       sync.Mutex // guards the following
	attached map[string]fencedInterface
}

// fencedInterface is where the program is attached.
type fencedInterface struct {
	index int
	io.Closer
}

// OpenEgressFence loads the program for frames from an address with the EtherTypes, also with tags. There is no
// deadline at first. The error wraps ErrUnavailable.
func OpenEgressFence(source wire.Addr, etherTypes ...uint16) (*EgressFence, error) {
	f := &EgressFence{hooks: hooks{atHead: true}, attached: make(map[string]fencedInterface)}
	if err := f.open(source, etherTypes); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return f, nil
}

func (f *EgressFence) open(source wire.Addr, etherTypes []uint16) (err error) {
	spec := ebpf.MapSpec{Name: "pppoe_fence", Type: ebpf.Array, KeySize: 4, ValueSize: fenceLen, MaxEntries: 1, Flags: unix.BPF_F_MMAPABLE}
	if f.fence, err = ebpf.NewMap(&spec); err != nil {
		return fmt.Errorf("map %s (mapped array): %w", spec.Name, err)
	}
	if err := f.memory.open(f.fence, fenceLen); err != nil {
		return err
	}
	f.program, err = f.hooks.load(ebpf.SchedCLS, 0, "fence", egressFence(f.fence.FD(), source, etherTypes))
	return err
}

// Attach fences an interface of the caller's network namespace. Once for each interface is enough, and again after it
// was created anew, for which CAP_NET_ADMIN suffices. The error wraps ErrUnavailable.
func (f *EgressFence) Attach(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	index := link.Attrs().Index
	f.mu.Lock()
	defer f.mu.Unlock()
	before, is := f.attached[name]
	if is && before.index == index {
		return nil
	}
	attached, err := f.hooks.attach(index, egress, f.program, "")
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, ErrUnavailable, err)
	}
	if is {
		before.Close() // it has gone with its interface
	}
	f.attached[name] = fencedInterface{index, attached}
	return nil
}

// SetDeadline sets the time from which on frames are dropped. One that has passed takes effect at once; the zero time
// is no deadline. It takes no lock.
func (f *EgressFence) SetDeadline(t time.Time) { f.memory.setDeadline(t) }

// Dropped returns how many frames were dropped.
func (f *EgressFence) Dropped() uint64 { return f.memory.word(fenceDropped).Load() }

// Close detaches the program from all interfaces. It may be called again.
func (f *EgressFence) Close() (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, at := range f.attached {
		err = errors.Join(err, at.Close())
	}
	clear(f.attached)
	err = errors.Join(err, f.hooks.close())
	if f.fence != nil {
		err = errors.Join(err, f.fence.Close())
	}
	return err
}
