package pppoe

import (
	"net/netip"
	"testing"
)

// TestDefaultRemote: a peer without an address gets pppd's placeholder, by the number of our
// device.
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
		var events []Event
		l := &loop{noRemoteAddress: c.bare, notify: func(_ SessionInfo, e Event) { events = append(events, e) }}
		s := &sessionState{sessionIdentity: identityOf(&SessionInfo{Device: c.device}, nil)}
		s.desired.IPv4 = agreement{remote: newAddress(netip.MustParseAddr(c.remote))}
		l.defaultRemote(s)
		if got := s.desired.IPv4.remote.addr().String(); got != c.want || (len(events) == 1) != (c.want != c.remote) {
			t.Errorf("%s, peer %s: it has %s, events %v; want %s", c.device, c.remote, got, events, c.want)
		}
	}
}
