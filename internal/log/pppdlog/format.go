package pppdlog

import (
	"fmt"

	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// linkLocal formats an address as pppd does, with all digits.
func linkLocal(id ipv6cp.ID) string {
	return fmt.Sprintf("fe80::%x:%x:%x:%x", id[:2], id[2:4], id[4:6], id[6:])
}

// announcement formats a PADM or PADN, escaped and truncated.
func announcement(p wire.DiscoveryFrame) string {
	var text []byte
	for t := range p.Tags.All() {
		text = append(t.AppendTruncated(append(text, " ["...)), ']')
	}
	return string(text)
}

// describeSession describes another session of the server.
func describeSession(l pppoe.SessionInfo) string {
	return fmt.Sprintf("session %d of client %v on %s%s", l.SessionID, l.Peer, l.Interface, userOf(l))
}

// userOf formats a session's user, if the peer has authenticated itself.
func userOf(l pppoe.SessionInfo) string {
	if l.User == "" {
		return ""
	}
	return fmt.Sprintf(`, user "%s"`, wire.EscapeName(l.User))
}
