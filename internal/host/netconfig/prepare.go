package netconfig

import (
	"fmt"

	"github.com/vishvananda/netlink"

	"upppoe/pppoe"
)

// Prepare sets the device's MTU and VRF and brings it up, before it has addresses: the kernel walks all IPv6
// routes for either, so that many sessions that begin at once take less time if all are prepared
// before the first is configured. Nothing is done if PreUp may have to be called, as the device must
// be down then, nor for an adopted session, whose device is up. What fails is left to Configure.
func (h *Configurer) Prepare(l pppoe.SessionInfo, want pppoe.Addressing) {
	h.mu.Lock()
	p := h.sessions[l.Key()]
	h.mu.Unlock()
	if p == nil || p.preexisting || p.adopted || h.mayPreUp(l) {
		return
	}
	err := p.inNamespace(func() error {
		link, err := netlink.LinkByName(l.Device)
		if err != nil {
			return err
		}
		its := device{link, h.routingOf(want)}
		if err := h.applyLink(p, its, want.MTU); err != nil {
			return err
		}
		return h.bringUp(p, its)
	})
	if err != nil {
		h.Log.Debug(fmt.Sprintf("%s: prepare: %v", l.Device, err))
	}
}

// mayPreUp reports whether PreUp may have something to do.
func (h *Configurer) mayPreUp(l pppoe.SessionInfo) bool {
	return h.PreUp != nil && (h.MayPreUp == nil || h.MayPreUp(l))
}
