package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// Values of --device.
const (
	perSession   = "per-session"
	sharedDevice = "shared"
)

// deviceFlags are the values of the flags of network devices.
type deviceFlags struct {
	device, ipv6 string
	isolate      bool
}

func (f *deviceFlags) add(set *pflag.FlagSet) {
	set.StringVar(&f.device, "device", perSession, "network device of clients: per-session (ppp0, ppp1, and so on; default), or shared: one for all, for thousands of sessions, named pppoe0; shared:NAME gives it another name")
	set.BoolVar(&f.isolate, "isolate", false, "with --device shared, drop packets from one client to another")
	set.StringVar(&f.ipv6, "ipv6-local", "", "with --device shared, IPv6 address of the server, which ICMPv6 errors come from (default: one of another interface)")
}

// isShared reports whether sessions share a device.
func (f *deviceFlags) isShared() bool { return strings.HasPrefix(f.device, sharedDevice) }
