package main

import (
	"log/slog"

	"upppoe/internal/privilege"
	"upppoe/pppoe"
)

// giveUp leaves the server what it needs once its ports are open: sessions make devices and
// have sockets, of DHCPv6 too; ports are opened anew when an interface has gone and is back,
// and where the kernel moves packets, programs are loaded for it.
func giveUp(log *slog.Logger, dhcp bool, by pppoe.DataPath) {
	keep := []privilege.Capability{privilege.NetRaw, privilege.NetAdmin}
	if dhcp {
		keep = append(keep, privilege.BindLow)
	}
	if by == pppoe.DataPathAuto || by == pppoe.DataPathKernel {
		keep = append(keep, privilege.BPF, privilege.Perfmon)
	}
	privilege.KeepOnly(log, keep...)
}
