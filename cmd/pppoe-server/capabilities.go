package main

import (
	"log/slog"

	"upppoe/internal/process/capability"
	"upppoe/pppoe/datapath"
)

// dropCapabilities leaves the server what it needs once its ports are open: sessions make devices and
// have sockets, of DHCPv6 too; ports are opened anew when an interface has gone and is back,
// and where the kernel moves packets, programs are loaded for it.
func dropCapabilities(log *slog.Logger, dhcp bool, by datapath.Kind) {
	keep := []capability.Capability{capability.NetRaw, capability.NetAdmin}
	if dhcp {
		keep = append(keep, capability.NetBindService)
	}
	if by == datapath.KindAuto || by == datapath.KindKernel {
		keep = append(keep, capability.BPF, capability.Perfmon)
	}
	capability.TryDropAllExcept(log, keep...)
}
