package netconfig

import (
	"errors"
	"fmt"
	"io/fs"

	"upppoe/internal/host/sysctl"
)

// disableAcceptRA keeps the kernel from configuring addresses and default routes from Router
// Advertisements of the device's peer: a server's client could otherwise attract this machine's
// traffic. Where autoconfiguration is wanted, package ipv6 handles advertisements. It must be
// called before the device is up.
//
// On a device that already existed, missing permission is not worth a warning: the creator of the
// device configures it.
func (h *Configurer) disableAcceptRA(device string, preexisting bool) {
	err := sysctl.DisableAcceptRA(device)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist): // or there is no IPv6
	case sysctl.AcceptsRA(device) && !preexisting:
		h.Log.Warn(fmt.Sprintf("%s: %v; it may set addresses and routes that the peer advertises", device, err))
	default:
		h.Log.Debug(fmt.Sprintf("%s: %v", device, err))
	}
}
