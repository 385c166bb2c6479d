package netconfig

import (
	"errors"
	"fmt"
	"io/fs"

	"upppoe/internal/host/sysctl"
)

// disableAcceptRA keeps the kernel from making its own addresses, and routes to everywhere, of what
// a device's peer advertises: a server's client would have this machine's traffic. Where it is
// wanted, package ipv6 heeds routers. It is done before the device is up.
//
// What somebody else has made, and set up, is theirs to set if we may not.
func (h *Configurer) disableAcceptRA(device string, made bool) {
	err := sysctl.DisableAcceptRA(device)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist): // or there is no IPv6
	case sysctl.AcceptsRA(device) && !made:
		h.Log.Warn(fmt.Sprintf("%s: %v; it may set addresses and routes that the peer advertises", device, err))
	default:
		h.Log.Debug(fmt.Sprintf("%s: %v", device, err))
	}
}
