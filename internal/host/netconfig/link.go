package netconfig

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
)

// mtuStep sets the device's MTU. The transmit queue length stays a TUN's default: pppd's `qlen 3` suits
// a driver with a queue of its own, and would be all the packets that may wait for the program here.
func (h *Configurer) mtuStep(link netlink.Link, mtu int) step {
	if h.MTU > 0 {
		mtu = min(mtu, h.MTU)
	}
	attrs, was := link.Attrs(), link.Attrs().MTU
	return step{what: fmt.Sprintf("set MTU %d", mtu), ofDevice: true, do: func() (func() error, error) {
		if attrs.MTU == mtu {
			return nil, nil
		}
		undo := func() error { return netlink.LinkSetMTU(link, was) }
		err := netlink.LinkSetMTU(link, mtu)
		if err == nil {
			attrs.MTU = mtu
		}
		return undo, err
	}}
}

// vrfStep enslaves the device to its VRF, or releases it from that of an earlier call. The kernel
// removes all routes of the device, and moves what it has added for its addresses.
func vrfStep(link device, earlier string) step {
	leave := func() error { return netlink.LinkSetNoMaster(link) }
	if link.vrf == "" {
		return step{what: "leave VRF " + earlier, ofDevice: true, do: func() (func() error, error) { return nil, leave() }}
	}
	return step{what: "join VRF " + link.vrf, ofDevice: true, do: func() (func() error, error) {
		vrf, err := link.vrfDevice()
		if err != nil {
			return nil, err
		}
		if link.Attrs().MasterIndex == vrf.Attrs().Index { // an adopted device would lose its routes
			return leave, nil
		}
		return leave, netlink.LinkSetMaster(link, vrf)
	}}
}

// upStep brings the device up, if it is not: each request waits for the kernel's lock of network interfaces.
func upStep(link netlink.Link) step {
	return step{what: "bring up", ofDevice: true, do: func() (func() error, error) {
		undo := func() error { return netlink.LinkSetDown(link) }
		if link.Attrs().Flags&net.FlagUp != 0 {
			return undo, nil
		}
		return undo, netlink.LinkSetUp(link)
	}}
}

// applyLink sets the device's MTU and VRF.
func (h *Configurer) applyLink(p *session, link device, mtu int) error {
	if p.mtu != mtu {
		made, err := h.apply([]step{h.mtuStep(link, mtu)})
		if err != nil {
			return err
		}
		if p.mtu == 0 { // else an earlier call has recorded the original
			p.linkChanges = append(p.linkChanges, made...)
		}
		p.mtu = mtu
	}
	if p.vrf != link.vrf {
		made, err := h.apply([]step{vrfStep(link, p.vrf)})
		if err != nil {
			return err
		}
		p.vrf, p.vrfChanges = link.vrf, made
	}
	return nil
}

// bringUp brings the device up, unless it is.
func (h *Configurer) bringUp(p *session, link netlink.Link) error {
	if p.isUp {
		return nil
	}
	made, err := h.apply([]step{upStep(link)})
	p.isUp = err == nil
	p.linkChanges = append(p.linkChanges, made...)
	return err
}
