package ebpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// coalescingPair is a veth pair in which the kernel coalesces received TCP packets (GRO). The
// program at TC ingress of the Ethernet interface sends stripped packets by one end; the other has
// GRO on, and a program that redirects to the TUN of the session. Both ends have a queue for each
// CPU, on which its packets stay.
//
// Creating the pair needs only CAP_NET_ADMIN.
type coalescingPair struct {
	devicePair // the end that programs send by; the end that receives
	heldName
	queues  int
	ethtool ethtool
}

// Names of the devices: with a number below maxPairs, which is more than a machine has
// interfaces with PPPoE.
const (
	coalescingName = "pppoegro%d"
	maxPairs       = 256
)

// maxCoalescingMTU is the maximum that veth accepts.
const maxCoalescingMTU = 65535

// prepare opens what create needs, in the network namespace of the caller, and removes the pairs
// that killed processes have left.
func (p *coalescingPair) prepare(h *hooks, program *ebpf.Program) error {
	if err := p.devicePair.prepare(h, program); err != nil {
		return err
	}
	p.removeLeft(p.netlink, coalescingName)
	return nil
}

// create creates the pair, and returns the index of the end to send by. After an error, close
// removes what was created.
func (p *coalescingPair) create() (index int, err error) {
	err = p.inNamespace(func() error {
		if err := p.createDevices(); err != nil {
			return err
		}
		return p.setUp()
	})
	return p.indexes[0], err
}

// createDevices creates the devices under the first free name.
func (p *coalescingPair) createDevices() (err error) {
	for n := range maxPairs {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.MTU = fmt.Sprintf(coalescingName, n), maxCoalescingMTU
		attrs.NumTxQueues, attrs.NumRxQueues = p.queues, p.queues
		if err = p.hold(p.netlink, attrs.Name); err != nil {
			continue
		}
		err = p.netlink.LinkAdd(&netlink.Veth{
			LinkAttrs: attrs, PeerName: attrs.Name + receivingSuffix, PeerHardwareAddr: coalescingMAC, PeerMTU: maxCoalescingMTU,
			PeerNumTxQueues: uint32(p.queues), PeerNumRxQueues: uint32(p.queues),
		})
		if p.names[0] = attrs.Name; err == nil {
			return nil
		}
		if p.release(); !errors.Is(err, unix.EEXIST) {
			break
		}
	}
	return fmt.Errorf("create a veth pair: %w", err)
}

// setUp configures the devices and sets them up. The kernel queues a packet for GRO in veth only if
// the end that sends it has tcp-segmentation-offload off.
func (p *coalescingPair) setUp() error {
	var ends [2]netlink.Link
	for i, name := range []string{p.names[0], p.names[0] + receivingSuffix} {
		var err error
		if ends[i], err = p.netlink.LinkByName(name); err != nil {
			return err
		}
	}
	if err := p.found(ends[:]...); err != nil {
		return err
	}
	if err := errors.Join(p.set(p.names[0], tsoFeatures, false), p.set(p.names[1], groFeatures, true)); err != nil {
		return err
	}
	var err error
	if p.attached, err = p.attach(p.indexes[1], ingress, p.program, p.pin); err != nil {
		return err
	}
	return errors.Join(p.netlink.LinkSetUp(ends[1]), p.netlink.LinkSetUp(ends[0]))
}

// set switches features of a device on or off.
func (p *coalescingPair) set(name string, features []string, on bool) error {
	current, err := p.ethtool.features(name)
	if err != nil {
		return err
	}
	return p.ethtool.setFeatures(name, current, features, on)
}

// adopt takes over the pair of a predecessor, by the index of the end that programs send by.
func (p *coalescingPair) adopt(sender int) bool {
	ok := p.devicePair.adopt(ingress, func(receiver int) [2]int { return [2]int{sender, receiver} })
	return ok && p.take(p.names[0]) == nil
}

// close removes the pair. It may be called again.
func (p *coalescingPair) close() error {
	if p.netlink != nil && p.indexes[1] != 0 && !p.pins.staysPinned() {
		end, err := p.netlink.LinkByIndex(p.indexes[1])
		deleteVeth(p.netlink, end, err)
	}
	p.release()
	return p.devicePair.close()
}
