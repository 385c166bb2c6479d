// Package vrf finds VRF devices (virtual routing and forwarding), by rtnetlink(7): each has a routing
// table, which is that of the devices enslaved to it.
package vrf

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
)

// ErrMissing is wrapped by errors for a name that is not that of a VRF.
var ErrMissing = errors.New("does not exist")

// Find returns the VRF of a name. The error wraps ErrMissing, or is one of rtnetlink.
//
// The request is sent through a handle, which may be the zero value.
func Find(h *netlink.Handle, name string) (*netlink.Vrf, error) {
	link, err := h.LinkByName(name)
	switch {
	case errors.As(err, &netlink.LinkNotFoundError{}):
		return nil, fmt.Errorf("VRF %s %w: ip link add %[1]s type vrf table N", name, ErrMissing)
	case err != nil:
		return nil, fmt.Errorf("look for VRF %s: %w", name, err)
	}
	if vrf, ok := link.(*netlink.Vrf); ok {
		return vrf, nil
	}
	return nil, fmt.Errorf("VRF %s %w: %[1]s is not a VRF, but a %[3]s", name, ErrMissing, link.Type())
}

// Table returns the number of the routing table of a VRF; 0, the main table, without a name. The error
// is Find's.
func Table(name string) (int, error) {
	if name == "" {
		return 0, nil
	}
	vrf, err := Find(&netlink.Handle{}, name)
	if err != nil {
		return 0, err
	}
	return int(vrf.Table), nil
}
