package netconfig

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/ipcp"
)

// RoutingTable returns the number of the routing table of a session's default routes. It must be
// called in the device's network namespace.
func (h *Configurer) RoutingTable() (int, error) {
	if h.VRF == "" {
		if h.Table == 0 {
			return unix.RT_TABLE_MAIN, nil
		}
		return h.Table, nil
	}
	vrf, err := h.vrf()
	if err != nil {
		return 0, err
	}
	return int(vrf.Table), nil
}

// peerRouteStep adds the route that the kernel adds to the main table otherwise.
func (h *Configurer) peerRouteStep(link netlink.Link, a ipcp.Agreement) step {
	route := &netlink.Route{
		LinkIndex: link.Attrs().Index, Dst: hostPrefix(a.Remote), Src: a.Local.AsSlice(), Table: h.Table,
		Scope: unix.RT_SCOPE_LINK, Protocol: unix.RTPROT_KERNEL,
	}
	return step{what: fmt.Sprintf("add route to %v in table %d", a.Remote, h.Table), do: func() (func() error, error) {
		return func() error { return netlink.RouteDel(route) }, netlink.RouteAppend(route)
	}}
}

// rulePriority is before the rule of the main table, 32766.
const rulePriority = 10000

// ruleSteps makes packets of the session use its table.
func (h *Configurer) ruleSteps(link netlink.Link, local netip.Addr) []step {
	return []step{
		h.ruleStep(policyRule{Family: netlink.FAMILY_V4, From: local, Table: h.Table}),
		h.deviceRuleStep(link, netlink.FAMILY_V4),
	}
}

// deviceRuleStep adds the rule for packets that a program has bound to the device.
func (h *Configurer) deviceRuleStep(link netlink.Link, family int) step {
	return h.ruleStep(policyRule{Family: family, Device: link.Attrs().Name, Table: h.Table})
}

func (h *Configurer) ruleStep(r policyRule) step {
	return step{what: fmt.Sprintf("add rule %v lookup %d", r, r.Table), do: func() (func() error, error) { return h.addRule(r) }}
}
