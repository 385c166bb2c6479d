// Package sysctl reads and sets an interface's sysctls (net.ipv4.conf, net.ipv6.conf). Its functions must be
// called on a thread in the interface's network namespace.
package sysctl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func path(device, name string) string {
	return filepath.Join("/proc/sys/net/ipv6/conf", device, name)
}

// read returns a setting's value; empty: it does not exist.
func read(device, name string) string {
	text, _ := os.ReadFile(path(device, name))
	return strings.TrimSpace(string(text))
}

// DisableAcceptRA keeps the kernel from handling Router Advertisements on an interface by itself,
// so that they configure neither addresses nor routes. It should be called before the interface is
// up. A setting that is already right is not written, as in a container it may be read-only. The
// error is fs.ErrNotExist without IPv6.
func DisableAcceptRA(device string) error {
	if read(device, "accept_ra") == "0" {
		return nil
	}
	if err := os.WriteFile(path(device, "accept_ra"), []byte("0"), 0); err != nil {
		return fmt.Errorf("disable Router Advertisements in the kernel (set sysctl net.ipv6.conf.default.accept_ra=0 beforehand): %w", err)
	}
	return nil
}

// AcceptsRA reports whether the kernel handles Router Advertisements on an interface: by default
// it does not if it forwards.
func AcceptsRA(device string) bool {
	accepts := read(device, "accept_ra")
	return accepts != "" && accepts != "0" && (accepts != "1" || !Forwarding(device))
}

// Forwarding reports whether the kernel forwards IPv6 packets from and to an interface, or may.
func Forwarding(device string) bool {
	return read(device, "forwarding") != "0" // 1, or unknown
}
