package pppoe

import (
	"net/netip"

	"upppoe/pppoe/datapath"
)

// SessionPolicy is what a server enforces on a session. The zero value enforces nothing.
type SessionPolicy struct {
	// CheckSource drops packets from the peer whose source address is not one of its own (BCP 38).
	// Its own are, for IPv4, the address that it has from IPCP; for IPv6, its link-local address (the
	// negotiated interface identifier, RFC 5072 section 5) and the prefixes set by
	// Server.SetSourcePrefixes; for both, FramedRoutes.
	CheckSource bool
	// FramedRoutes are prefixes of either family behind the peer, which may be source addresses
	// too. Routing them is the HostNetwork's task.
	FramedRoutes []netip.Prefix
	// Up limits the traffic from the peer, Down the traffic to it. Zero: no limit.
	Up, Down datapath.Rate
}
