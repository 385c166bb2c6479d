package pppoe

import (
	"net/netip"
	"testing"

	"upppoe/ipcp"
)

// TestDefaultRemote: a peer without an address gets pppd's, by the number of our device.
func TestDefaultRemote(t *testing.T) {
	for _, c := range []struct {
		device, remote string
		bare           bool
		want           string
	}{
		{"ppp0", "0.0.0.0", false, "10.64.64.64"},
		{"ppp7", "0.0.0.0", false, "10.64.64.71"},
		{"ppp200", "0.0.0.0", false, "10.64.65.8"},
		{"wan", "0.0.0.0", false, "10.64.64.64"},
		{"ppp0", "0.0.0.0", true, "0.0.0.0"},
		{"ppp0", "192.0.2.1", false, "192.0.2.1"},
	} {
		var told []Event
		l := &loop{noRemoteAddress: c.bare, notify: func(_ SessionInfo, e Event) { told = append(told, e) }}
		tunnel := &sessionState{SessionInfo: SessionInfo{Device: c.device}}
		tunnel.desired.IPv4 = ipcp.Agreement{Remote: netip.MustParseAddr(c.remote)}
		l.defaultRemote(tunnel)
		if got := tunnel.desired.IPv4.Remote.String(); got != c.want || (len(told) == 1) != (c.want != c.remote) {
			t.Errorf("%s, peer %s: it has %s, told %v; want %s", c.device, c.remote, got, told, c.want)
		}
	}
}
