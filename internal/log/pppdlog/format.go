package pppdlog

import (
	"encoding/hex"
	"fmt"

	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// linkLocal formats an address as pppd does, with all digits.
func linkLocal(id ipv6cp.ID) string {
	text := append(make([]byte, 0, len("fe80::0000:0000:0000:0000")), "fe80:"...)
	for i := 0; i < len(id); i += 2 {
		text = hex.AppendEncode(append(text, ':'), id[i:i+2])
	}
	return string(text)
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
