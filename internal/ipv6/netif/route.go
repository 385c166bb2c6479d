package netif

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// protocol marks our routes.
const protocol = unix.RTPROT_RA

// defaultMetric is what ip(8) shows for a route without metric.
const defaultMetric = 1024

// ErrRouteExists reports that another route has the same destination and metric (wrapped).
var ErrRouteExists = errors.New("another route has this destination and metric: choose another metric")

// setRoute never lets the kernel replace a route: that would replace any route with the same
// metric, also another program's through another device.
func (k *Kernel) setRoute(key RouteKey, r Route) error {
	if _, ok := k.actual.Routes[key]; ok {
		if err := k.removeRoute(key); err != nil {
			return err
		}
	}
	route, err := k.route(key, r)
	if err != nil {
		return fmt.Errorf("set route %w", key.wrap(err))
	}
	err = k.handle.RouteAdd(route)
	if errors.Is(err, unix.EEXIST) && k.hasRoute(key) {
		err = nil // left by a crash, or by a predecessor
	}
	if errors.Is(err, unix.EEXIST) {
		err = ErrRouteExists
	}
	if err != nil {
		return fmt.Errorf("set route %w", key.wrap(err))
	}
	k.actual.Routes[key] = r
	k.indexes[key.Device] = route.LinkIndex
	return nil
}

func (k *Kernel) removeRoute(key RouteKey) error {
	r := k.actual.Routes[key]
	delete(k.actual.Routes, key)
	route, err := k.route(key, r)
	if err != nil || route.LinkIndex != k.indexes[key.Device] {
		return nil // removed with its device
	}
	if err := k.handle.RouteDel(route); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("remove route %w", key.wrap(err))
	}
	return nil
}

// route converts a route for netlink. An MTU above the device's is ignored, as packets would be
// lost.
func (k *Kernel) route(key RouteKey, r Route) (*netlink.Route, error) {
	route := &netlink.Route{
		Dst: ipNet(key.To), Priority: key.metric(), Table: key.Table, Protocol: protocol,
		Family: netlink.FAMILY_V6, Gw: r.Gateway.AsSlice(),
	}
	if r.Gateway.IsValid() {
		// The router has sent messages over the link, though the kernel may know only the peer's
		// address to be on it.
		route.Flags = unix.RTNH_F_ONLINK
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

// hasRoute reports whether the kernel has a route.
func (k *Kernel) hasRoute(key RouteKey) bool {
	route, err := k.route(key, k.actual.Routes[key])
	if err != nil {
		return false
	}
	found, err := k.handle.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{
		Dst: route.Dst, Table: tableOf(key.Table), Priority: key.metric(), Protocol: protocol,
	}, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PRIORITY|netlink.RT_FILTER_PROTOCOL)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return true // unknown
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

// purgeRoutes removes an interface's routes that the kernel made from router advertisements.
func (k *Kernel) purgeRoutes(d Device) error {
	routes, err := k.handle.RouteListFiltered(netlink.FAMILY_V6, &netlink.Route{
		LinkIndex: d.Index, Protocol: protocol, Table: unix.RT_TABLE_UNSPEC,
	}, netlink.RT_FILTER_OIF|netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TABLE)
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("%s: list routes: %w", d.Name, err)
	}
	var errs []error
	for _, r := range routes {
		if err := k.handle.RouteDel(&r); err != nil && !errors.Is(err, unix.ESRCH) {
			errs = append(errs, fmt.Errorf("%s: remove route %v: %w", d.Name, r.Dst, err))
		}
	}
	return errors.Join(errs...)
}
