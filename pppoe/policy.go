package pppoe

import (
	"net/netip"

	"upppoe/pppoe/datapath"
)

// SessionPolicy are what a server holds a session to. The zero value holds it to nothing.
type SessionPolicy struct {
	// CheckSource drops packets from the peer whose source is not its own: of IPv4 not the
	// address that it has from IPCP, of IPv6 neither its link-local address (the negotiated
	// interface identifier, RFC 5072 section 5) nor of a prefix that Server.SetSourcePrefixes names. A
	// network behind the peer needs NAT there, or a place in Behind.
	CheckSource bool
	// FramedRoutes are prefixes of either family that are routed to the peer, and may be sources
	// too.
	FramedRoutes []netip.Prefix
	// Up bounds what comes from the peer, Down what goes to it.
	Up, Down datapath.Rate
}
