package netif

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// protocol marks routes as ours, among those of others.
const protocol = unix.RTPROT_RA

// defaultMetric is what ip(8) shows of a route without metric.
const defaultMetric = 1024

// ErrTaken is why a route cannot be set (wrapped): another one has its place.
var ErrTaken = errors.New("there is another route with this metric: choose another metric")

// setRoute does not replace a route of somebody else, which the kernel would for one
// with the same metric, whatever its device.
func (k *Kernel) setRoute(key RouteKey, r Route) error {
	route, err := k.route(key, r)
	if err != nil {
		return fmt.Errorf("set route %w", key.wrap(err))
	}
	add := k.handle.RouteAdd
	if _, ok := k.have.Routes[key]; ok || k.routed(key) { // as after a crash
		add = k.handle.RouteReplace
	}
	if err := add(route); errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("set route %w", key.wrap(ErrTaken))
	} else if err != nil {
		return fmt.Errorf("set route %w", key.wrap(err))
	}
	k.have.Routes[key] = r
	return nil
}

func (k *Kernel) removeRoute(key RouteKey) error {
	r := k.have.Routes[key]
	delete(k.have.Routes, key)
	route, err := k.route(key, r)
	if err != nil {
		return nil // gone with its device
	}
	if err := k.handle.RouteDel(route); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("remove route %w", key.wrap(err))
	}
	return nil
}

// route is in the kernel's terms. A route's MTU above the device's would have packets
// lost.
func (k *Kernel) route(key RouteKey, r Route) (*netlink.Route, error) {
	route := &netlink.Route{
		Dst: ipNet(key.To), Priority: key.metric(), Table: key.Table, Protocol: protocol,
		Family: netlink.FAMILY_V6, Gw: r.Gateway.AsSlice(),
	}
	if key.Device == "" {
		route.Type = unix.RTN_UNREACHABLE
		return route, nil
	}
	link, err := k.handle.LinkByName(key.Device)
	if err != nil {
		return nil, err
	}
	route.LinkIndex = link.Attrs().Index
	if r.MTU < link.Attrs().MTU {
		route.MTU = r.MTU
	}
	return route, nil
}

// routed says whether the kernel has a route.
func (k *Kernel) routed(key RouteKey) bool {
	route, err := k.route(key, k.have.Routes[key])
	if err != nil {
		return false
	}
	found, err := k.handle.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{
		Dst: route.Dst, Table: tableOf(key.Table), Priority: key.metric(), Protocol: protocol,
	}, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PRIORITY|netlink.RT_FILTER_PROTOCOL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return true // not known to be gone
	}
	for _, f := range found {
		if key.Device == "" && f.Type == unix.RTN_UNREACHABLE || key.Device != "" && f.LinkIndex == route.LinkIndex {
			return true
		}
	}
	return false
}

func tableOf(t int) int {
	if t == 0 {
		return unix.RT_TABLE_MAIN
	}
	return t
}

func (k RouteKey) metric() int {
	if k.Metric == 0 {
		return defaultMetric
	}
	return k.Metric
}

func (k RouteKey) wrap(err error) error {
	where := "unreachable"
	if k.Device != "" {
		where = "through " + k.Device
	}
	return fmt.Errorf("%v %s metric %d: %w", k.To, where, k.metric(), err)
}
