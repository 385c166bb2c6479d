package netconfig

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/ipcp"
)

// peerRouteStep adds the route that the kernel adds to the main table otherwise.
func (h *Configurer) peerRouteStep(link device, a ipcp.Agreement) step {
	route := &netlink.Route{
		LinkIndex: link.Attrs().Index, Dst: hostPrefix(a.Remote), Src: a.Local.AsSlice(), Table: link.table,
		Scope: unix.RT_SCOPE_LINK, Protocol: unix.RTPROT_KERNEL,
	}
	return step{what: fmt.Sprintf("add route to %v in table %d", a.Remote, link.table), do: func() (func() error, error) {
		return func() error { return netlink.RouteDel(route) }, netlink.RouteAppend(route)
	}}
}

// rulePriority is before the rule of the main table, 32766.
const rulePriority = 10000

// ruleSteps makes packets of the session use its table.
func (h *Configurer) ruleSteps(link device, local netip.Addr) []step {
	return []step{
		h.ruleStep(policyRule{Family: netlink.FAMILY_V4, From: local, Table: link.table}),
		h.deviceRuleStep(link, netlink.FAMILY_V4),
	}
}

// deviceRuleStep adds the rule for packets that a program has bound to the device.
func (h *Configurer) deviceRuleStep(link device, family int) step {
	return h.ruleStep(policyRule{Family: family, Device: link.Attrs().Name, Table: link.table})
}

func (h *Configurer) ruleStep(r policyRule) step {
	return step{what: fmt.Sprintf("add rule %v lookup %d", r, r.Table), do: func() (func() error, error) { return h.addRule(r) }}
}
