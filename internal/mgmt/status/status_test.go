package status

import (
	"net/netip"

	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/wire"
)

var (
	ac   = wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	info = pppoe.SessionInfo{Interface: "eth0", SessionID: 7, Peer: ac, ACName: "ac\n1", Service: "in\x1bternet", Device: "ppp0"}
	addr = pppoe.Addressing{
		MTU: 1492,
		IPv4: ipcp.Agreement{
			Local: netip.MustParseAddr("192.0.2.10"), Remote: netip.MustParseAddr("192.0.2.1"),
			DNS: [2]netip.Addr{1: netip.MustParseAddr("192.0.2.53")},
		},
		IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}},
	}
	counters = datapath.Counters{SentPackets: 1, SentBytes: 2, ReceivedPackets: 3, ReceivedBytes: 4, Dropped: 5}
	refused  = &pppoe.EndError{Reason: session.Reason{Cause: session.CauseNotAuthenticated}}
)
