package main

import (
	"testing"

	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
)

// TestMTUShortfall: a size above 1492 needs room for the PPPoE and PPP headers, and for the second tag.
func TestMTUShortfall(t *testing.T) {
	double, err := vlan.Parse("50.100")
	if err != nil {
		t.Fatal(err)
	}
	untagged, qinq := afpacket.Attachment{Interface: "eth1"}, afpacket.Attachment{Interface: "eth1", VLAN: double}
	for _, c := range []struct {
		want int
		at   afpacket.Attachment
		mtu  int
		text string
	}{
		{0, untagged, 1500, ""},
		{1492, untagged, 1400, ""},
		{1500, untagged, 1508, ""},
		{1500, untagged, 1500, "eth1: packets of at most 1492 octets instead of 1500: the MTU of eth1 is 1500, and would have to be 1508: `ip link set eth1 mtu 1508`"},
		{1500, untagged, 1507, "eth1: packets of at most 1499 octets instead of 1500: the MTU of eth1 is 1507, and would have to be 1508: `ip link set eth1 mtu 1508`"},
		{1500, qinq, 1516, ""},
		{1500, qinq, 1508, "eth1.50.100: packets of at most 1492 octets instead of 1500: the MTU of eth1 is 1508, and would have to be 1516: `ip link set eth1 mtu 1516`"},
	} {
		if got := mtuShortfall(c.want, c.at, c.mtu); got != c.text {
			t.Errorf("%d at %v with %d: %q, want %q", c.want, c.at, c.mtu, got, c.text)
		}
	}
}
