package main

import (
	"log/slog"

	"upppoe/internal/process/capability"
	"upppoe/pppoe/datapath"
)

// dropCapabilities drops all capabilities that a running server does not need. Sessions open devices and
// sockets, also for DHCPv6; ports are opened again when an interface returns; the kernel data path loads
// eBPF programs.
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
