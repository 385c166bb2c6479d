package netconfig

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
)

// errVRF is wrapped by Configure's error when Configurer.VRF is not the name of a VRF device.
var errVRF = errors.New("no such VRF")

// linkSteps sets the device's MTU and VRF.
func (h *Configurer) linkSteps(link netlink.Link, mtu int) []step {
	if h.MTU > 0 {
		mtu = min(mtu, h.MTU)
	}
	attrs, was := link.Attrs(), link.Attrs().MTU
	steps := []step{{what: fmt.Sprintf("set MTU %d", mtu), ofDevice: true, do: func() (func() error, error) {
		undo := func() error { return netlink.LinkSetMTU(link, was) }
		err := netlink.LinkSetMTU(link, mtu)
		if err == nil {
			attrs.MTU = mtu
		}
		return undo, err
	}}}
	if h.VRF != "" {
		steps = append(steps, step{what: "join VRF " + h.VRF, ofDevice: true, do: func() (func() error, error) {
			vrf, err := h.vrf()
			if err != nil {
				return nil, err
			}
			return func() error { return netlink.LinkSetNoMaster(link) }, netlink.LinkSetMaster(link, vrf)
		}})
	}
	// The transmit queue length stays a TUN's default: pppd's `qlen 3` suits a driver with a queue
	// of its own, and would be all the packets that may wait for the program here.
	return steps
}

// upStep brings the device up.
func upStep(link netlink.Link) step {
	return step{what: "bring up", ofDevice: true, do: func() (func() error, error) {
		return func() error { return netlink.LinkSetDown(link) }, netlink.LinkSetUp(link)
	}}
}

// vrf finds the VRF's device.
func (h *Configurer) vrf() (*netlink.Vrf, error) {
	link, err := netlink.LinkByName(h.VRF)
	if err != nil {
		return nil, fmt.Errorf("%w (ip link add %s type vrf table N makes one): %w", errVRF, h.VRF, err)
	}
	vrf, ok := link.(*netlink.Vrf)
	if !ok {
		return nil, fmt.Errorf("%w: %s is a %s", errVRF, h.VRF, link.Type())
	}
	if h.Table != 0 && uint32(h.Table) != vrf.Table {
		return nil, fmt.Errorf("%s has routing table %d, not %d as configured: remove option table", h.VRF, vrf.Table, h.Table)
	}
	return vrf, nil
}
