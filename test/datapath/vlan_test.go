package datapath

import (
	"fmt"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/pppoe/vlan"
)

// TestVLAN: a session in a VLAN, and in one within another, whose tags are ours.
func TestVLAN(t *testing.T) {
	roottest.Need(t)
	for depth, text := range map[int]string{1: "50", 2: "50.100"} {
		tags, err := vlan.Parse(text)
		must(t, err)
		for _, p := range pairs() {
			if p[0] == pppoe.DataPathPlain || p[1] == pppoe.DataPathPlain || p[0] != p[1] && depth == 1 {
				continue // one tag is within two
			}
			t.Run(fmt.Sprintf("%s, %v to %v", text, p[0], p[1]), func(t *testing.T) {
				// With room for both tags.
				dial(t, p[0], p[1], setting{vlan: tags, mtu: 1508}).try(t, long, tcp, udp)
			})
		}
	}
}
