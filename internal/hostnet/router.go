package hostnet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const ipv6Conf = "/proc/sys/net/ipv6/conf"

// heedNoRouter keeps the kernel from making its own addresses, and routes to everywhere, of what
// a device's peer advertises: a server's client would have this machine's traffic. Where it is
// wanted, package inet6 heeds routers. It is done before the device is up.
func (h *Host) heedNoRouter(device string) {
	accepts := ipv6Setting(device, "accept_ra")
	if accepts == "" || accepts == "0" { // there is no IPv6, or it is so already
		return
	}
	err := os.WriteFile(filepath.Join(ipv6Conf, device, "accept_ra"), []byte("0"), 0)
	switch {
	case err == nil:
	case accepts == "1" && ipv6Setting(device, "forwarding") != "0": // which heeds none
		h.Log.Debug(fmt.Sprintf("%s: %v", device, err))
	default:
		h.Log.Warn(fmt.Sprintf("%s: the kernel may set addresses and routes that the peer advertises (`sysctl net.ipv6.conf.default.accept_ra=0` prevents it beforehand): %v", device, err))
	}
}

// ipv6Setting is one of a device's, in the thread's network namespace; empty: there is none.
func ipv6Setting(device, name string) string {
	text, _ := os.ReadFile(filepath.Join(ipv6Conf, device, name))
	return strings.TrimSpace(string(text))
}
