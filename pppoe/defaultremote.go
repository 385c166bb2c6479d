package pppoe

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// defaultRemote gives a peer without an IPv4 address of its own the one that pppd uses: 10.64.64.64
// plus the number of our device.
func (l *loop) defaultRemote(s *sessionState) {
	if l.noRemoteAddress || !s.desired.IPv4.remote.addr().IsUnspecified() {
		return
	}
	unit, _ := strconv.ParseUint(strings.TrimPrefix(s.Device, "ppp"), 10, 16) // 0 for any other name
	addr := uint32(0x0a404040) + uint32(unit)
	remote := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, addr)))
	s.desired.IPv4.remote = newAddress(remote)
	l.notify(s.info(), RemoteDefaulted{Addr: remote})
}
