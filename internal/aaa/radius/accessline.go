package radius

import (
	"layeh.com/radius"

	"upppoe/pppoe"
)

// addAccessLine adds what the access node has said about the session's line (RFC 4679).
func addAccessLine(*radius.Packet, pppoe.SessionInfo) {}
