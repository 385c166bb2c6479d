// Package sysctl has an interface's IPv6 settings in the kernel (sysctl net.ipv6.conf). Its
// functions are called on a thread of the interface's network namespace.
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

// read what a setting is; empty: there is none.
func read(device, name string) string {
	text, _ := os.ReadFile(path(device, name))
	return strings.TrimSpace(string(text))
}

// DisableAcceptRA keeps the kernel from heeding router advertisements on an interface by
// itself: neither addresses nor routes follow from them then. It is best called before the
// interface is up. It leaves a setting alone that is as it should be: in a container it
// may be that nobody can change it. The error is fs.ErrNotExist where there is no IPv6.
func DisableAcceptRA(device string) error {
	if read(device, "accept_ra") == "0" {
		return nil
	}
	if err := os.WriteFile(path(device, "accept_ra"), []byte("0"), 0); err != nil {
		return fmt.Errorf("keep the kernel from heeding router advertisements (`sysctl net.ipv6.conf.default.accept_ra=0` does it beforehand): %w", err)
	}
	return nil
}

// AcceptsRA reports whether the kernel does so: one that forwards does not by default.
func AcceptsRA(device string) bool {
	accepts := read(device, "accept_ra")
	return accepts != "" && accepts != "0" && (accepts != "1" || !Forwarding(device))
}

// Forwarding reports whether what comes in on an interface may go out on others, and the other
// way round.
func Forwarding(device string) bool {
	return read(device, "forwarding") != "0" // not known to be off
}
