package ebpf

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// segmentationPair is a pair of devices, stacked, that segments GSO packets. The upper one is a
// macvlan that accepts nothing longer than a segment, so the kernel segments what is sent by it,
// and sends each segment by the lower one, a TAP, where a program writes its LENGTH and redirects
// it to the Ethernet interface. All of that happens in one call chain on one CPU, so segments stay
// in order and are never queued.
//
// Both devices go away with the process, however that ends: the TAP exists as long as its file
// descriptor, and a macvlan no longer than its lower device. Where programs are pinned, the lower device
// is an end of a veth pair, which stays: a TAP without its process has no carrier, and then the macvlan
// drops what it is to send. Creating them needs only CAP_NET_ADMIN.
type segmentationPair struct {
	devicePair // lower, upper
	heldName   // of the veth pair
	tap        *os.File
}

// Names of the devices: the kernel numbers the lower one.
const (
	lowerName   = "pppoecut%d"
	upperSuffix = "up"
)

// prepare opens what create needs, in the network namespace of the caller.
func (p *segmentationPair) prepare(h *hooks, program *ebpf.Program) error {
	if err := p.devicePair.prepare(h, program); err != nil {
		return err
	}
	if p.removeLeft(p.netlink, lowerName); p.pins.isEnabled() {
		return nil
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("/dev/net/tun: %w", err)
	}
	p.tap = os.NewFile(uintptr(fd), "/dev/net/tun")
	return nil
}

// create creates the pair, and returns the index of the upper device. After an error, close removes
// what was created.
func (p *segmentationPair) create() (index int, err error) {
	err = p.inNamespace(func() error { return p.createHere() })
	return p.indexes[1], err
}

func (p *segmentationPair) createHere() error {
	createLower := p.createTAP
	if p.pins.isEnabled() {
		createLower = p.createVeth
	}
	name, err := createLower()
	if err != nil {
		return err
	}
	lower, err := p.netlink.LinkByName(name)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = name+upperSuffix, lower.Attrs().Index
	if err := p.netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PRIVATE}); err != nil {
		return fmt.Errorf("create a macvlan device: %w", err)
	}
	upper, err := p.netlink.LinkByName(attrs.Name)
	if err != nil {
		return err
	}
	if err := p.found(lower, upper); err != nil {
		return err
	}
	if p.attached, err = p.attach(lower.Attrs().Index, egress, p.program, p.pin); err != nil {
		return err
	}
	return p.setUp(lower, upper)
}

// createTAP creates the lower device, and returns its name.
func (p *segmentationPair) createTAP() (string, error) {
	request, err := unix.NewIfreq(lowerName)
	if err != nil {
		return "", err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(int(p.tap.Fd()), unix.TUNSETIFF, request); err != nil {
		return "", fmt.Errorf("create a TAP device: %w", err)
	}
	return request.Name(), nil
}

// createVeth creates the lower device as an end of a pair, whose other end must be up for it to have
// carrier.
func (p *segmentationPair) createVeth() (name string, err error) {
	for n := range maxPairs {
		name = fmt.Sprintf(lowerName, n)
		if p.hold(p.netlink, name) != nil {
			continue
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		err = p.netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: name + receivingSuffix, PeerHardwareAddr: coalescingMAC})
		if err == nil {
			return name, p.setUpEnd(name + receivingSuffix)
		}
		if p.release(); !errors.Is(err, unix.EEXIST) {
			break
		}
	}
	return "", fmt.Errorf("create a veth pair: %w", err)
}

// setUpEnd sets the other end of the veth pair up.
func (p *segmentationPair) setUpEnd(name string) error {
	end, err := p.netlink.LinkByName(name)
	if err != nil {
		return err
	}
	p.netlink.LinkSetIP6AddrGenMode(end, nl.IN6_ADDR_GEN_MODE_NONE)
	return errors.Join(p.netlink.LinkSetARPOff(end), p.netlink.LinkSetUp(end))
}

// adopt takes over the pair of a predecessor, by the index of the upper device.
func (p *segmentationPair) adopt(upper int) bool {
	ok := p.devicePair.adopt(egress, func(lower int) [2]int { return [2]int{lower, upper} })
	return ok && p.take(p.names[0]) == nil
}

// maxUnsegmentedLen is the length from which the upper device has a packet segmented whose number
// of segments is unknown (gso_segs 0, as from a virtual machine). The kernel accepts no value below
// MAX_TCP_HEADER, which is 320 at most.
const maxUnsegmentedLen = 512

// setUp configures the devices and sets them up. A macvlan does not support `tso off`; instead,
// limits on GSO packets have the kernel segment before it.
func (p *segmentationPair) setUp(lower, upper netlink.Link) error {
	if err := p.netlink.LinkSetGSOMaxSegs(upper, 1); err != nil {
		return fmt.Errorf("%s: set gso_max_segs: %w", upper.Attrs().Name, err)
	}
	if err := p.netlink.LinkSetGSOMaxSize(upper, maxUnsegmentedLen); err != nil {
		return fmt.Errorf("%s: set gso_max_size: %w", upper.Attrs().Name, err)
	}
	if err := p.netlink.LinkSetUp(lower); err != nil {
		return err
	}
	return p.netlink.LinkSetUp(upper)
}

// close removes the pair. It may be called again.
func (p *segmentationPair) close() error {
	if p.netlink != nil && p.indexes[0] != 0 && !p.pins.staysPinned() {
		if lower, err := p.netlink.LinkByIndex(p.indexes[0]); err == nil && lower.Type() == "veth" {
			p.netlink.LinkDel(lower)
		}
	}
	p.release()
	err := p.devicePair.close()
	if p.tap != nil {
		p.tap.Close()
		p.tap = nil
	}
	return err
}
