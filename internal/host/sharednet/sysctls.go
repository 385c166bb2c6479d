package sharednet

import (
	"errors"
	"fmt"
	"io/fs"

	"upppoe/internal/host/sysctl"
)

// Values of net.ipv4.conf.*.rp_filter (RFC 3704).
const (
	noFilter     = "0"
	strictFilter = "1"
	looseFilter  = "2"
)

// setSysctls sets what the device needs, on the device alone:
//   - accept_local: ICMP errors for packets to sessions come in with this machine's address;
//   - send_redirects: packets between sessions leave by the device that they came by;
//   - rp_filter: the data path has checked sources, so the kernel need not. Of the device's value and
//     that of all devices the larger is in force: loose mode weakens the strict one;
//   - accept_ra: clients must not configure this machine.
func (n *Network) setSysctls() {
	name := n.device.Name()
	filter := noFilter
	if sysctl.Read4("all", "rp_filter") == strictFilter {
		filter = looseFilter
	}
	for _, s := range []struct{ setting, value, otherwise string }{
		{"accept_local", "1", "the kernel drops ICMP errors for packets to clients"},
		{"send_redirects", "0", "clients get ICMP redirects to each other"},
		{"rp_filter", filter, "the kernel may drop packets from clients"},
	} {
		if err := sysctl.Set4(name, s.setting, s.value); err != nil {
			n.warn(fmt.Sprintf("%s: %v, so that %s: sysctl net.ipv4.conf.%[1]s.%[4]s=%[5]s", name, err, s.otherwise, s.setting, s.value), err)
		}
	}
	if err := sysctl.DisableAcceptRA(name); err != nil && sysctl.AcceptsRA(name) {
		n.warn(fmt.Sprintf("%s: %v; it may set addresses and routes that a client advertises", name, err), err)
	}
}

// warn logs a sysctl that could not be set: as a warning, unless the device's creator configures it
// or the kernel lacks what it is for.
func (n *Network) warn(text string, err error) {
	if n.preexisting || errors.Is(err, fs.ErrNotExist) {
		n.cfg.Log.Debug(text)
		return
	}
	n.cfg.Log.Warn(text)
}

// warnForwarding warns if clients reach only this machine.
func (n *Network) warnForwarding() {
	name := n.device.Name()
	if sysctl.Read4(name, "forwarding") == "0" {
		n.cfg.Log.Warn(name + ": IPv4 forwarding is disabled, so clients reach only this machine: sysctl net.ipv4.ip_forward=1")
	}
	if n.ipv6.IsValid() && !sysctl.Forwarding(name) {
		n.cfg.Log.Warn(name + ": IPv6 forwarding is disabled, so clients reach only this machine: sysctl net.ipv6.conf.all.forwarding=1")
	}
}
