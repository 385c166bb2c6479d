package netconfig

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
)

// leaveUnmanaged handles an error of what is set at a device that somebody has made for us: who
// may use it need not have the right to set its addresses and routes, which are others' to set
// then. It reports whether that is so. The log says it once.
func (h *Configurer) leaveUnmanaged(p *session, want pppoe.Addressing, err error) bool {
	if !p.preexisting || !errors.Is(err, unix.EPERM) {
		return false
	}
	h.mu.Lock()
	p.unmanaged = true
	h.mu.Unlock()
	h.warnOnce.Do(func() {
		h.Log.Warn(fmt.Sprintf("%s: no permission to set its MTU, addresses, routes and IPv6 settings (CAP_NET_ADMIN): they are left to others: `ip address add LOCAL peer REMOTE dev %[1]s; ip link set %[1]s mtu %d up`", p.deviceName, want.MTU))
	})
	return true
}

// Unmanaged reports whether a line's device is one whose addresses and routes are left to others,
// for want of permission.
func (h *Configurer) Unmanaged(l pppoe.SessionInfo) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.sessions[keyOf(l)]
	return p != nil && p.unmanaged
}
