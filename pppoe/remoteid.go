package pppoe

import (
	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// setRemoteID assigns the peer the interface identifier of its Ethernet address, if byAddr is set.
func setRemoteID(cfg *session.Config, byAddr bool, peer wire.Addr) {
	if byAddr && cfg.IPv6 != nil {
		v6 := *cfg.IPv6
		v6.Remote = peer.InterfaceID()
		cfg.IPv6 = &v6
	}
}
