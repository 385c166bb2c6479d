package main

import (
	"log/slog"

	"upppoe/internal/privilege"
)

// giveUp leaves the server what it needs once its ports are open, and the programs that
// move packets are in the kernel: sessions make devices, attach programs that are there,
// and have sockets, of DHCPv6 too. It opens no port anew, and so loads no program.
func giveUp(log *slog.Logger, dhcp bool) {
	keep := []privilege.Capability{privilege.NetRaw, privilege.NetAdmin}
	if dhcp {
		keep = append(keep, privilege.BindLow)
	}
	privilege.KeepOnly(log, keep...)
}
