package wire

var (
	hostAddr = Addr{2, 0, 0x5e, 0, 0x53, 2}
	acAddr   = Addr{2, 0, 0x5e, 0, 0x53, 1}
)
