package pppoe

import (
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe/wire"
)

// remoteID returns the interface identifier that is assigned to the peer: that of its Ethernet
// address if byAddr is set, or zero, which stands for the configured one.
func remoteID(byAddr bool, peer wire.Addr) ipv6cp.ID {
	if !byAddr {
		return ipv6cp.ID{}
	}
	return peer.InterfaceID()
}
