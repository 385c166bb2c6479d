package ebpf

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// devicePair is what the segmentation and the coalescing device pair have in common: two devices,
// one with a program, that are created under load.
type devicePair struct {
	netlink *netlink.Handle
	program *ebpf.Program
	attach  func(index int, where ebpf.AttachType, program *ebpf.Program, pin string) (io.Closer, error)
	pin     string // name

	pins      *pins
	namespace string // of the caller of prepare
	names     [2]string
	indexes   [2]int
	attached  io.Closer
}

// netnsPath links to the network namespace of a thread.
const netnsPath = "/proc/thread-self/ns/net"

// prepare opens what creating the pair needs, in the network namespace of the caller.
func (p *devicePair) prepare(h *hooks, program *ebpf.Program) (err error) {
	p.program, p.attach, p.pins = program, h.attach, h.pins
	if p.namespace, err = os.Readlink(netnsPath); err != nil {
		return err
	}
	p.netlink, err = netlink.NewHandle(unix.NETLINK_ROUTE)
	return err
}

// inNamespace runs a function on a thread that is in the namespace of prepare, or fails: in another,
// an index may be another interface's.
func (p *devicePair) inNamespace(f func() error) error {
	if p.netlink == nil {
		return os.ErrClosed
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if here, err := os.Readlink(netnsPath); err != nil || here != p.namespace {
		return fmt.Errorf("the network namespace is %s, expected %s: %w", here, p.namespace, err)
	}
	return f()
}

// found records the two devices, and has them send nothing of their own.
func (p *devicePair) found(links ...netlink.Link) error {
	for i, l := range links {
		p.names[i], p.indexes[i] = l.Attrs().Name, l.Attrs().Index
		// So that IPv6 assigns no address, and sends no router solicitations.
		p.netlink.LinkSetIP6AddrGenMode(l, nl.IN6_ADDR_GEN_MODE_NONE)
		if err := p.netlink.LinkSetARPOff(l); err != nil {
			return err
		}
	}
	return nil
}

// adopt takes over the pair of a predecessor, if there is one that can be used: its pin leads to the
// device with the program, which is replaced. pair returns both indexes for that one's.
func (p *devicePair) adopt(where ebpf.AttachType, pair func(index int) [2]int) bool {
	l := p.pins.openLink(p.pin, anyIndex)
	if l == nil {
		return false
	}
	index := interfaceOf(l)
	l.Close()
	p.indexes = pair(index)
	if !p.isUp() {
		p.indexes = [2]int{}
		return false
	}
	for i, index := range p.indexes {
		if link, err := p.netlink.LinkByIndex(index); err == nil {
			p.names[i] = link.Attrs().Name
		}
	}
	var err error
	p.attached, err = p.attach(index, where, p.program, p.pin)
	return err == nil
}

// isUp reports whether both devices are up.
func (p *devicePair) isUp() bool {
	for _, index := range p.indexes {
		l, err := p.netlink.LinkByIndex(index)
		if err != nil || l.Attrs().RawFlags&unix.IFF_UP == 0 {
			return false
		}
	}
	return true
}

// has reports whether an index, or anyIndex, is that of one of the devices.
func (p *devicePair) has(index int) bool {
	return index == anyIndex || slices.Contains(p.indexes[:], index)
}

// created returns the names of the devices.
func (p *devicePair) created() [2]string { return p.names }

// close detaches the program. It may be called again.
func (p *devicePair) close() (err error) {
	if p.attached != nil {
		err = p.attached.Close()
		p.attached = nil
	}
	if p.netlink != nil {
		p.netlink.Close()
		p.netlink = nil
	}
	p.indexes = [2]int{}
	return err
}
