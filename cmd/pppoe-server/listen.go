package main

import (
	"fmt"

	"upppoe/internal/advice"
	"upppoe/internal/capture"
	"upppoe/internal/config/serverconfig"
	"upppoe/internal/host/ifname"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/tun"
)

// listen opens the ports of all interfaces, or none. The capture, which may be nil, has their frames.
func listen(c *serverconfig.Config, opener *linux.Opener, to *capture.Capture) (all []pppoe.Listener, err error) {
	if err := tun.Check(); err != nil {
		return nil, err
	}
	if err := checkNames(c.Interfaces); err != nil {
		return nil, err
	}
	for _, on := range c.Interfaces {
		l := listenerOf(on, c.Cluster.Address, opener, to)
		if l.Ports, err = l.Reopen(); err != nil {
			for _, l := range all {
				l.Ports.Close()
			}
			return nil, advice.ExplainInterface(on.Name, err)
		}
		all = append(all, l)
	}
	return all, nil
}

// checkNames rejects an interface that is given by two of its names: clients would be answered twice.
func checkNames(all []serverconfig.Interface) error {
	given := make(map[string]string)
	for _, on := range all {
		name, _ := ifname.KernelName(on.Name)
		if other, twice := given[name]; twice {
			return fmt.Errorf("%s and %s are one network interface: give it once, with all its VLANs", other, on.Name)
		}
		given[name] = on.Name
	}
	return nil
}

// listenerOf returns the listener of an interface, whose ports are not open. One VLAN has ports of
// its own, which need not look at the tags in user space. A zero source is the address of the interface.
func listenerOf(on serverconfig.Interface, source wire.Addr, opener *linux.Opener, to *capture.Capture) pppoe.Listener {
	name, _ := ifname.KernelName(on.Name)
	if only, ok := on.VLANs.One(); ok {
		a := afpacket.Attachment{Interface: name, VLAN: only, Source: source}
		return pppoe.Listener{Interface: a.String(), Device: name, Reopen: to.Reopen(func() (pppoe.Ports, error) { return opener.Open(a) }, capture.Link{Interface: name, VLAN: only})}
	}
	t := afpacket.Trunk{Attachment: afpacket.Attachment{Interface: name, Source: source}, VLANs: on.VLANs}
	return pppoe.Listener{Interface: name, VLANs: on.VLANs, Reopen: to.Reopen(func() (pppoe.Ports, error) { return opener.OpenTrunk(t) }, capture.Link{Interface: name})}
}

// listenerName describes a listener in the log.
func listenerName(l pppoe.Listener) string {
	switch {
	case l.VLANs.IsEmpty():
		return l.Interface
	case l.VLANs.IsAny():
		return l.Interface + ", any VLAN,"
	}
	vlans := l.VLANs.String()
	if len(vlans) > maxVLANsText {
		vlans = vlans[:maxVLANsText] + "..."
	}
	return fmt.Sprintf("%s, VLANs %s,", l.Interface, vlans)
}

// maxVLANsText bounds a line of the log: a set may have thousands of ranges.
const maxVLANsText = 200

// widestTags returns the tags of a served VLAN that take most of the interface's MTU.
func widestTags(vlans vlan.Set) (widest vlan.Stack) {
	mtu := func(s vlan.Stack) int { return afpacket.Attachment{VLAN: s}.InterfaceMTU(0) }
	for r := range vlans.Ranges {
		if widest == (vlan.Stack{}) || mtu(r.Low) > mtu(widest) {
			widest = r.Low
		}
	}
	return widest
}
