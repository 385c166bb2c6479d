package datapath

import "upppoe/pppoe/wire"

var (
	hostAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	acAddr   = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
)
