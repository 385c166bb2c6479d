package pppoe

import (
	"upppoe/ppp/session"
	"upppoe/pppoe/wire"
)

// identify gives a session's peer the identifier of its address.
func identify(cfg *session.Config, byAddr bool, peer wire.Addr) {
	if byAddr && cfg.IPv6 != nil {
		v6 := *cfg.IPv6
		v6.Remote = peer.InterfaceID()
		cfg.IPv6 = &v6
	}
}
