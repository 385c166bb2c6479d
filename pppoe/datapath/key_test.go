package datapath

import (
	"encoding/hex"
	"testing"
)

func TestIsPacket(t *testing.T) {
	const addresses = "0200000000010200000000ff"
	for frame, want := range map[string]bool{
		addresses + "8864110000010002" + "0021":              true, // IPv4
		addresses + "8864110000010002" + "0057":              true, // IPv6
		addresses + "8864110000010002" + "c021":              false,
		addresses + "81000064" + "8864110000010002" + "0021": true, // in VLAN 100
		addresses + "81000064" + "8864110000010002" + "8021": false,
		addresses + "8863110000010002" + "0021":              false, // discovery
		addresses + "8864110000010002" + "00":                false,
		addresses + "81000064" + "8864110000010002":          false,
		addresses: false,
		"":        false,
	} {
		b, err := hex.DecodeString(frame)
		if err != nil {
			t.Fatal(err)
		}
		if got := IsPacket(b); got != want {
			t.Errorf("%s: %v, want %v", frame, got, want)
		}
	}
}
