package datapath

import (
	"testing"

	"upppoe/pppoe/vlan"
)

// TestVLAN: a session in a VLAN, and in a stacked one, whose tags user space adds.
func TestVLAN(t *testing.T) {
	for _, text := range []string{"50", "50.100"} {
		t.Run(text, func(t *testing.T) {
			tags, err := vlan.Parse(text)
			must(t, err)
			// With room for both tags.
			eachOf(t, somePairs, settings{vlan: tags, mtu: 1508}, func(t *testing.T, e *ends) {
				e.try(t, long, tcp, udp)
			})
		})
	}
}
