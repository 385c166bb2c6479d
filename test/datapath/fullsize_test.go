package datapath

import "testing"

// TestFullSize: where the Ethernet has room for the PPPoE header, a session carries packets of 1500
// octets (RFC 4638).
func TestFullSize(t *testing.T) {
	eachOf(t, somePairs, settings{mtu: 1508, maxPayload: 1500}, func(t *testing.T, e *ends) {
		e.try(t, long, tcp, udp)
	})
}
