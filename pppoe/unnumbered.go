package pppoe

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// numberPeer gives a peer without an IPv4 address of its own the one that pppd gives it:
// 10.64.64.64, and the number of our device more.
func (l *loop) numberPeer(t *tunnel) {
	if l.bare || !t.want.IPv4.Remote.IsUnspecified() {
		return
	}
	unit, _ := strconv.ParseUint(strings.TrimPrefix(t.Device, "ppp"), 10, 16) // 0 of any other name
	addr := uint32(0x0a404040) + uint32(unit)
	t.want.IPv4.Remote = netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, addr)))
	l.notify(t.SessionInfo, RemoteDefaulted{Addr: t.want.IPv4.Remote})
}
