package ebpf

import (
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// segmentationPair is a pair of devices, one on the other, that cuts packets into segments. What
// is sent by the upper one, a macvlan that takes nothing longer than a segment, the kernel cuts,
// and sends each piece by the lower one, a TAP, where a program writes its LENGTH and sends it
// out of the Ethernet interface. All of that is one call after the other on one processor,
// so segments stay in order, and wait nowhere.
//
// Both go with the process, however that ends: the TAP lasts as long as its descriptor, and
// no macvlan outlasts what it is on. Making them takes CAP_NET_ADMIN alone.
type segmentationPair struct {
	tap     *os.File
	netlink *netlink.Handle
	program *ebpf.Program
	attach  func(index int, where ebpf.AttachType, program *ebpf.Program) (io.Closer, error)

	namespace string    // the network namespace
	names     [2]string // lower, upper
	indexes   [2]int
	attached  io.Closer
}

// Names of the pair: the kernel counts the lower ones.
const (
	lowerName   = "pppoecut%d"
	upperSuffix = "up"
)

// prepare opens what the pair is made with later, in the namespace of the caller.
func (d *segmentationPair) prepare(h *hooks, program *ebpf.Program) (err error) {
	d.program, d.attach = program, h.attach
	if d.namespace, err = os.Readlink(netnsPath); err != nil {
		return err
	}
	if d.netlink, err = netlink.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	d.tap = os.NewFile(uintptr(fd), "/dev/net/tun")
	return nil
}

// netnsPath tells which network namespace a thread is in.
const netnsPath = "/proc/thread-self/ns/net"

// create makes the pair, and gives the index of the upper one. After an error nothing of it
// is left but close.
func (d *segmentationPair) create() (index int, err error) {
	if d.tap == nil {
		return 0, os.ErrClosed
	}
	// Programs are attached where the thread is, whose index may be another interface's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if here, err := os.Readlink(netnsPath); err != nil || here != d.namespace {
		return 0, fmt.Errorf("this is %s, and was opened in %s: %w", here, d.namespace, err)
	}
	request, err := unix.NewIfreq(lowerName)
	if err != nil {
		return 0, err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(int(d.tap.Fd()), unix.TUNSETIFF, request); err != nil {
		return 0, fmt.Errorf("make a TAP: %w", err)
	}
	lower, err := d.netlink.LinkByName(request.Name())
	if err != nil {
		return 0, err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = request.Name()+upperSuffix, lower.Attrs().Index
	if err := d.netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE}); err != nil {
		return 0, fmt.Errorf("make a macvlan: %w", err)
	}
	upper, err := d.netlink.LinkByName(attrs.Name)
	if err != nil {
		return 0, err
	}
	d.names = [2]string{request.Name(), attrs.Name}
	d.indexes = [2]int{lower.Attrs().Index, upper.Attrs().Index}
	if d.attached, err = d.attach(lower.Attrs().Index, egress, d.program); err != nil {
		return 0, err
	}
	return upper.Attrs().Index, d.setUp(lower, upper)
}

// maxUnsegmentedLen is the longest packet that the upper device may take for one segment, if nobody
// has counted its segments (gso_segs 0, as from a virtual machine). The kernel takes no value
// below MAX_TCP_HEADER, which is 320 at most.
const maxUnsegmentedLen = 512

// setUp sets the devices up. A macvlan cannot be told to cut packets (`tso off`), but what
// is the most that it takes uncut.
func (d *segmentationPair) setUp(lower, upper netlink.Link) error {
	for _, l := range []netlink.Link{lower, upper} {
		// So that IPv6, where there is any, has no address, and does not greet neighbours.
		d.netlink.LinkSetIP6AddrGenMode(l, nl.IN6_ADDR_GEN_MODE_NONE)
		if err := d.netlink.LinkSetARPOff(l); err != nil {
			return err
		}
	}
	if err := d.netlink.LinkSetGSOMaxSegs(upper, 1); err != nil {
		return fmt.Errorf("%s: set gso_max_segs: %w", upper.Attrs().Name, err)
	}
	if err := d.netlink.LinkSetGSOMaxSize(upper, maxUnsegmentedLen); err != nil {
		return fmt.Errorf("%s: set gso_max_size: %w", upper.Attrs().Name, err)
	}
	if err := d.netlink.LinkSetUp(lower); err != nil {
		return err
	}
	return d.netlink.LinkSetUp(upper)
}

// isUp reports whether both devices are up.
func (d *segmentationPair) isUp() bool {
	for _, index := range d.indexes {
		l, err := d.netlink.LinkByIndex(index)
		if err != nil || l.Attrs().RawFlags&unix.IFF_UP == 0 {
			return false
		}
	}
	return true
}

// close removes the pair. Again it does nothing.
func (d *segmentationPair) close() (err error) {
	if d.attached != nil {
		err = d.attached.Close()
		d.attached = nil
	}
	if d.tap != nil {
		d.tap.Close()
		d.tap = nil
	}
	if d.netlink != nil {
		d.netlink.Close()
		d.netlink = nil
	}
	return err
}
