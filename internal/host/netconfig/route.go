package netconfig

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/host/undolog"
)

// ipv4RouteSteps adds the IPv4 default route, if it is wanted.
func (h *Configurer) ipv4RouteSteps(p *session, link device) []step {
	var restore []step // of routes that an earlier program has replaced
	if before := h.replacedBefore(p); len(before) > 0 {
		restore = []step{{what: "restore default route", do: func() (func() error, error) { return h.routeRestorer(link, before) }}}
	}
	if !h.DefaultRoute {
		return restore
	}
	var replaced []*kernelRoute // found by the first step, for the second
	steps := []step{{what: "add default route", do: func() (func() error, error) {
		existing, table, err := defaultRoutes(link, netlink.FAMILY_V4)
		if err != nil {
			return nil, err
		}
		if h.ReplaceDefaultRoute {
			replaced = routesToReplace(existing, metricOf(h.Metric))
		} else if h.keepsExisting(existing, h.Metric) {
			return nil, nil
		}
		return addDefaultRoute(link, netlink.FAMILY_V4, table, metricOf(h.Metric))
	}}}
	if h.ReplaceDefaultRoute && restore == nil {
		steps = append(steps, step{what: "replace default route", do: func() (func() error, error) {
			return h.replaceRoutes(link, replaced)
		}})
	}
	return append(steps, restore...)
}

// ipv6RouteSteps is the same for IPv6, where nothing is replaced: most default routes come from
// Router Advertisements, which are repeated.
func (h *Configurer) ipv6RouteSteps(link device) []step {
	if !h.DefaultRoute6 {
		return nil
	}
	return []step{{what: "add IPv6 default route", do: func() (func() error, error) {
		existing, table, err := defaultRoutes(link, netlink.FAMILY_V6)
		if err != nil || h.keepsExisting(existing, h.Metric6) {
			return nil, err
		}
		return addDefaultRoute(link, netlink.FAMILY_V6, table, metricOf(h.Metric6))
	}}}
}

func metricOf(m *int) int {
	if m == nil {
		return 0
	}
	return *m
}

// keepsExisting reports whether an existing default route stays in place, as in pppd: any, or with
// a metric given, one with the same metric.
func (h *Configurer) keepsExisting(existing []*kernelRoute, metric *int) bool {
	i := slices.IndexFunc(existing, func(r *kernelRoute) bool { return metric == nil || r.metric == *metric })
	if i < 0 {
		return false
	}
	shown := -1 // as pppd logs it for any
	if metric != nil {
		shown = *metric
	}
	h.Log.Error(fmt.Sprintf("not replacing existing default route %v with metric %d", existing[i], shown))
	return true
}

// defaultRoutes returns the default routes in the session's table that do not use its device, the
// preferred one first, and the table.
func defaultRoutes(link device, family int) ([]*kernelRoute, int, error) {
	table, err := link.number()
	if err != nil {
		return nil, 0, err
	}
	routes, err := kernelRoutes(family, func(r *kernelRoute) bool {
		return isDefault(r, table) && r.device != link.Attrs().Index
	})
	if err != nil {
		return nil, 0, fmt.Errorf("look for a default route: %w", err)
	}
	slices.SortStableFunc(routes, func(a, b *kernelRoute) int { return a.metric - b.metric })
	return routes, table, nil
}

func isDefault(r *kernelRoute, table int) bool {
	return r.header.Dst_len == 0 && r.header.Tos == 0 && r.header.Flags&unix.RTM_F_CLONED == 0 && r.table == table
}

// routesToReplace returns the routes that ours replaces: those of a lower or equal metric, or else
// the best ones.
func routesToReplace(existing []*kernelRoute, metric int) (these []*kernelRoute) {
	for _, r := range existing {
		if r.metric <= max(metric, existing[0].metric) {
			these = append(these, r)
		}
	}
	return these
}

// addDefaultRoute adds a default route without a gateway, so that several sessions may have the
// same gateway. It comes after one with the same metric, which is removed next.
func addDefaultRoute(link netlink.Link, family, table, metric int) (func() error, error) {
	route := &netlink.Route{
		LinkIndex: link.Attrs().Index, Family: family, Table: table, Priority: metric,
		Dst:   &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
		Scope: unix.RT_SCOPE_LINK, Protocol: unix.RTPROT_BOOT,
	}
	if family == netlink.FAMILY_V6 {
		route.Dst = &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
		route.Scope = unix.RT_SCOPE_UNIVERSE // IPv6 routes have no other
	}
	err := netlink.RouteAppend(route)
	if errors.Is(err, unix.EEXIST) { // a reconfiguration may find it
		err = nil
	}
	return func() error { return netlink.RouteDel(route) }, err
}

// replaceRoutes removes routes, and undoing it restores them.
func (h *Configurer) replaceRoutes(link device, old []*kernelRoute) (func() error, error) {
	if len(old) == 0 {
		return nil, nil
	}
	if h.RouteUndoFile != "" {
		if err := writeRouteUndo(h.RouteUndoFile, old); err != nil {
			h.Log.Warn(fmt.Sprintf("the default route %v will not be restored if this program is killed: %v", old[0], err))
		}
	}
	if err := h.removeRoutes(old); err != nil {
		return nil, err
	}
	undo, err := h.routeRestorer(link, old)
	if err != nil {
		return nil, errors.Join(err, addRoutes(old))
	}
	return undo, nil
}

// replacedBefore returns the routes that an earlier program has replaced for a session that is adopted.
func (h *Configurer) replacedBefore(p *session) []*kernelRoute {
	if !p.adopted || h.RouteUndoFile == "" {
		return nil
	}
	old, err := readRouteUndo(h.RouteUndoFile)
	if err != nil {
		h.Log.Warn(fmt.Sprintf("the default route that an earlier program has replaced will not be restored: %v", err))
	}
	return old
}

// routeRestorer returns how to restore routes that were replaced.
func (h *Configurer) routeRestorer(link device, old []*kernelRoute) (func() error, error) {
	others, _, err := defaultRoutes(link, netlink.FAMILY_V4)
	if err != nil {
		return nil, err
	}
	return func() error {
		err := h.restoreRoutes(link, old, others)
		if h.RouteUndoFile != "" {
			err = errors.Join(err, undolog.Remove(h.RouteUndoFile))
		}
		return err
	}, nil
}

// removeRoutes removes all of the routes or none.
func (h *Configurer) removeRoutes(old []*kernelRoute) error {
	for i, r := range old {
		if err := r.remove(); err != nil && !isGone(err) {
			return errors.Join(fmt.Errorf("%v: %w", r, err), addRoutes(old[:i]))
		}
		h.Log.Info(fmt.Sprintf("replacing existing default route %v with metric %d", r, r.metric))
	}
	return nil
}

// restoreRoutes adds routes again, unless another default route has been added meanwhile.
func (h *Configurer) restoreRoutes(link device, old, others []*kernelRoute) error {
	now, _, err := defaultRoutes(link, netlink.FAMILY_V4)
	if err != nil {
		return err
	}
	for _, r := range now {
		if !slices.ContainsFunc(others, r.equal) {
			h.Log.Info(fmt.Sprintf("not restoring the default route %v: there is another one by now, %v with metric %d", old[0], r, r.metric))
			return nil
		}
	}
	return addRoutes(old)
}

// addRoutes adds routes in order, so that the first is the first again. Its error wraps nothing,
// so that isGone does not hide it: a route whose device was removed is lost, which must be logged.
func addRoutes(routes []*kernelRoute) error {
	var failed []error
	for _, r := range routes {
		if err := r.add(); err != nil && !errors.Is(err, unix.EEXIST) {
			failed = append(failed, fmt.Errorf("default route %v with metric %d: %v", r, r.metric, err))
		}
	}
	return errors.Join(failed...)
}
