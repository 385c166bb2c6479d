package netconfig

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"

	"upppoe/internal/host/prefixroute"
	"upppoe/pppoe"
)

// errNoSession is wrapped by SetFramedRoutes' error for a session that has not been opened.
var errNoSession = errors.New("the session has no device")

// SetFramedRoutes routes prefixes to the session's device (RFC 2865 section 5.22): want, and no
// others of an earlier call. The routes go with the device, or with Close. The error names a prefix
// that another device has a route to, and that device; then nothing of want was added.
func (h *Configurer) SetFramedRoutes(l pppoe.SessionInfo, _, want []netip.Prefix) error {
	h.mu.Lock()
	p := h.sessions[l.Key()]
	h.mu.Unlock()
	if p == nil {
		return fmt.Errorf("%s: framed routes: %w", l.Device, errNoSession)
	}
	if h.Unmanaged(l) {
		return nil
	}
	err := p.inNamespace(func() error { return h.changeFramedRoutes(p, l.Device, want) })
	if err != nil {
		return fmt.Errorf("%s: %w", l.Device, err)
	}
	return nil
}

func (h *Configurer) changeFramedRoutes(p *session, device string, want []netip.Prefix) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	var steps []step
	in := h.routingOf(pppoe.Addressing{VRF: p.vrf})
	for _, prefix := range want {
		steps = append(steps, framedRouteStep(link, in, prefix))
	}
	var kept, unwanted appliedSteps
	for _, made := range p.framedChanges {
		if slices.ContainsFunc(steps, func(s step) bool { return s.what == made.what }) {
			kept = append(kept, made)
		} else {
			unwanted = append(unwanted, made)
		}
	}
	unwanted.undo(h.Log)
	p.framedChanges = kept
	steps = slices.DeleteFunc(steps, func(s step) bool {
		return slices.ContainsFunc(kept, func(made appliedStep) bool { return made.what == s.what })
	})
	made, err := h.applyTo(p, steps)
	p.framedChanges = append(p.framedChanges, made...)
	return err
}

func framedRouteStep(link netlink.Link, in routing, prefix netip.Prefix) step {
	return step{what: fmt.Sprintf("add route to %v", prefix), ofDevice: true, do: func() (func() error, error) {
		table, err := in.number()
		if err != nil {
			return nil, err
		}
		handle, r := &netlink.Handle{}, prefixroute.Route{Prefix: prefix, Device: link.Attrs().Index, Table: table}
		return func() error { return prefixroute.Remove(handle, r) }, prefixroute.Add(handle, r)
	}}
}
