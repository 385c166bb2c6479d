package hostnet

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// addDefaultRoute leaves an existing default route in its place, whatever its metric,
// as pppd does.
func (h *Host) addDefaultRoute(link netlink.Link) error {
	old, err := defaultRoute()
	if err != nil {
		return fmt.Errorf("look for a default route: %w", err)
	}
	if old != "" {
		if old != through(link) {
			h.Log.Error("not replacing existing default route " + old)
		}
		return nil
	}
	err = netlink.RouteAdd(&netlink.Route{
		LinkIndex: link.Attrs().Index,
		Dst:       &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		Scope:     unix.RT_SCOPE_LINK,
		Protocol:  unix.RTPROT_BOOT,
	})
	if err != nil {
		return fmt.Errorf("add default route: %w", err)
	}
	return nil
}

// defaultRoute describes IPv4's default route in pppd's words; empty: there is none.
func defaultRoute() (string, error) {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // changed meanwhile: what was seen counts
		return "", err
	}
	if i := slices.IndexFunc(routes, isDefault); i >= 0 {
		return describe(routes[i]), nil
	}
	return "", nil
}

func isDefault(r netlink.Route) bool {
	if r.Dst == nil {
		return true
	}
	ones, _ := r.Dst.Mask.Size()
	return ones == 0
}

// describe says where a route leads. One that leads several ways is described by the
// first.
func describe(r netlink.Route) string {
	gateway, index := r.Gw, r.LinkIndex
	if len(r.MultiPath) > 0 {
		gateway, index = r.MultiPath[0].Gw, r.MultiPath[0].LinkIndex
	}
	if gateway != nil {
		return "via " + gateway.String()
	}
	link, err := netlink.LinkByIndex(index)
	if err != nil {
		return "to nowhere" // an unreachable or blackhole route has no device
	}
	return through(link)
}

func through(link netlink.Link) string { return "through " + link.Attrs().Name }
