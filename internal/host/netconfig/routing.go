package netconfig

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/vrf"
	"upppoe/pppoe"
)

// routing is where the routes of a session are: in the table of a VRF, in Configurer.Table, or in the
// main table.
type routing struct {
	vrf   string // the name of its device; empty: none
	table int    // Configurer.Table; 0: none is configured
}

// device is the device of a session, and where its routes are.
type device struct {
	netlink.Link
	routing
}

// routingOf returns where the routes of a session are: in the VRF of its policy, if it has one.
func (h *Configurer) routingOf(a pppoe.Addressing) routing {
	if a.VRF != "" {
		return routing{vrf: a.VRF}
	}
	return routing{h.VRF, h.Table}
}

// RoutingTable returns the number of the routing table of sessions whose policy has no VRF. It must be
// called in the network namespace of their devices.
func (h *Configurer) RoutingTable() (int, error) { return h.routingOf(pppoe.Addressing{}).number() }

// CheckVRF returns an error if there is no VRF of a name in the namespace. The error says what to do.
func (h *Configurer) CheckVRF(name string) error {
	return InNamespace(h.Namespace, func() error {
		_, err := routing{vrf: name}.vrfDevice()
		return err
	})
}

// number returns the number of the routing table.
func (r routing) number() (int, error) {
	switch {
	case r.vrf != "":
		vrf, err := r.vrfDevice()
		if err != nil {
			return 0, err
		}
		return int(vrf.Table), nil
	case r.table != 0:
		return r.table, nil
	}
	return unix.RT_TABLE_MAIN, nil
}

// vrfDevice finds the VRF's device.
func (r routing) vrfDevice() (*netlink.Vrf, error) {
	vrf, err := vrf.Find(&netlink.Handle{}, r.vrf)
	if err == nil && r.table != 0 && uint32(r.table) != vrf.Table {
		return nil, fmt.Errorf("%s has routing table %d, not %d as configured: remove option table", r.vrf, vrf.Table, r.table)
	}
	return vrf, err
}

// usesOwnTable reports whether routes go into Configurer.Table instead of the table of the main or
// VRF routing domain.
func (r routing) usesOwnTable() bool { return r.table != 0 && r.vrf == "" }

// has reports whether another interface is in the same VRF, or in none as well.
func (r routing) has(other netlink.Link) bool {
	master, err := netlink.LinkByIndex(other.Attrs().MasterIndex)
	domain := ""
	if vrf, ok := master.(*netlink.Vrf); err == nil && ok {
		domain = vrf.Name
	}
	if vrf, ok := other.(*netlink.Vrf); ok {
		domain = vrf.Name
	}
	return domain == r.vrf
}
