package discovery

import (
	"time"

	"upppoe/pppoe/wire"
)

var (
	hostAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 2}
	acAddr   = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
)

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
