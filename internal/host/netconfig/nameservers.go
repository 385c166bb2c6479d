package netconfig

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
)

// SetNameServers6 sets the name servers that IPv6 has brought to a device, in addition to those of
// IPCP; none: there are none any more. Errors are only logged, as a session works without name
// servers. A link-local one must have a zone.
func (h *Configurer) SetNameServers6(device string, servers []netip.Addr) {
	p := h.sessionOfDevice(device)
	if p == nil {
		return // it has ended meanwhile
	}
	var good []netip.Addr
	for _, s := range servers {
		if s.Is6() && !s.IsUnspecified() && !s.IsLoopback() && !s.IsMulticast() && !slices.Contains(good, s) {
			good = append(good, s)
		}
	}
	err := p.inNamespace(func() error {
		link, err := netlink.LinkByName(device)
		if err != nil {
			return err
		}
		h.updateNameServers(p, link, func() { p.servers6 = good })
		return nil
	})
	if err != nil && !isGone(err) { // its name servers go with the device
		h.Log.Warn(fmt.Sprintf("name servers of %s: %v", device, err))
	}
}

// updateNameServers installs the name servers of a session again, if they have changed.
func (h *Configurer) updateNameServers(p *session, link netlink.Link, change func()) {
	p.dnsMu.Lock()
	defer p.dnsMu.Unlock()
	before := slices.Concat(p.servers4, p.servers6)
	change()
	after := slices.Concat(p.servers4, p.servers6)
	if slices.Equal(before, after) {
		return
	}
	p.dnsChanges.undo(h.Log)
	made, err := h.apply(h.nameServerSteps(link, after))
	if err != nil {
		h.Log.Warn(err.Error())
	}
	p.dnsChanges = made
}

// sessionOfDevice finds a session by its device; nil: there is none.
func (h *Configurer) sessionOfDevice(device string) *session {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.sessions {
		if p.deviceName == device {
			return p
		}
	}
	return nil
}
