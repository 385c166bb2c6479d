package linkmonitor

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// masters are the kinds of master devices that receive the frames of their ports, and what such a
// port is called.
var masters = map[string]string{"bridge": "a port of bridge", "bond": "part of bond", "team": "part of team", "openvswitch": "a port of Open vSwitch bridge"}

// Diagnose returns why an interface may receive no answers, and what to do; empty: the kernel
// knows of no reason.
func Diagnose(name string) string {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Sprintf("interface %s does not exist", name)
	}
	a := link.Attrs()
	if a.MasterIndex != 0 {
		if master, err := netlink.LinkByIndex(a.MasterIndex); err == nil && masters[master.Type()] != "" {
			return fmt.Sprintf("interface %s is %s %s, which receives its frames: use %s instead",
				name, masters[master.Type()], master.Attrs().Name, master.Attrs().Name)
		}
	}
	switch {
	case a.RawFlags&unix.IFF_UP == 0:
		return fmt.Sprintf("interface %s is down: ip link set %s up", name, name)
	case a.RawFlags&unix.IFF_LOWER_UP == 0:
		return fmt.Sprintf("interface %s has no carrier: is the cable plugged in, and is the other end switched on?", name)
	}
	return ""
}
