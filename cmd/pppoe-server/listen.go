package main

import (
	"fmt"

	"upppoe/internal/host/ifname"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/linux"
	"upppoe/pppoe/vlan"
	"upppoe/tun"
)

// listen opens the ports of all interfaces, or none.
func listen(f *flags, opener *linux.Opener) (all []pppoe.Listener, err error) {
	if err := tun.Check(); err != nil {
		return nil, err
	}
	for i, name := range f.interfaces {
		f.interfaces[i], _ = ifname.KernelName(name)
	}
	for _, name := range f.interfaces {
		l := f.listener(name, opener)
		if l.Ports, err = l.Reopen(); err != nil {
			for _, l := range all {
				l.Ports.Close()
			}
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

// listener returns the listener of an interface, whose ports are not open. One VLAN has ports of
// its own, which need not look at the tags in user space.
func (f *flags) listener(name string, opener *linux.Opener) pppoe.Listener {
	if only, ok := f.vlans.One(); ok {
		a := afpacket.Attachment{Interface: name, VLAN: only}
		return pppoe.Listener{Interface: a.String(), Device: name, Reopen: func() (pppoe.Ports, error) { return opener.Open(a) }}
	}
	t := afpacket.Trunk{Attachment: afpacket.Attachment{Interface: name}, VLANs: f.vlans}
	return pppoe.Listener{Interface: name, VLANs: f.vlans, Reopen: func() (pppoe.Ports, error) { return opener.OpenTrunk(t) }}
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
func (f *flags) widestTags() (widest vlan.Stack) {
	mtu := func(s vlan.Stack) int { return afpacket.Attachment{VLAN: s}.InterfaceMTU(0) }
	for r := range f.vlans.Ranges {
		if widest == (vlan.Stack{}) || mtu(r.Low) > mtu(widest) {
			widest = r.Low
		}
	}
	return widest
}
