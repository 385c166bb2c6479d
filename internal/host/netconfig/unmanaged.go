package netconfig

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"upppoe/pppoe"
)

// leaveUnmanaged handles an error of configuring a device that already existed: a user who may
// open it may lack the permission to set its addresses and routes, which are then the
// administrator's to set. It reports whether that is so, and logs it once.
func (h *Configurer) leaveUnmanaged(p *session, want pppoe.Addressing, err error) bool {
	if !p.preexisting || !errors.Is(err, unix.EPERM) {
		return false
	}
	h.mu.Lock()
	p.unmanaged = true
	h.mu.Unlock()
	h.warnOnce.Do(func() {
		h.Log.Warn(fmt.Sprintf("%s: no permission to set its MTU, addresses, routes and IPv6 settings (CAP_NET_ADMIN): they are left to the administrator: `ip address add LOCAL peer REMOTE dev %[1]s; ip link set %[1]s mtu %d up`", p.deviceName, want.MTU))
	})
	return true
}

// Unmanaged reports whether the addresses and routes of a session's device are left to the
// administrator, for lack of permission.
func (h *Configurer) Unmanaged(l pppoe.SessionInfo) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.sessions[l.Key()]
	return p != nil && p.unmanaged
}
