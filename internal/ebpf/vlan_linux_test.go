package ebpf

import (
	"testing"
	"time"

	"upppoe/pppoe/vlan"
)

// TestVLANs has sessions with one ID and one peer in several VLANs of one interface.
func TestVLANs(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){
		"TC":      nil,
		"no TSO":  {ethtoolSet("tso", "off")},
		"no tags": {ethtoolSet("txvlan", "off", "rxvlan", "off", "tx-vlan-stag-hw-insert", "off")},
		"XDP":     {withExclusive},
		"XDP, GRO, no tags": {
			withExclusive, ethtoolSet("tso", "off", "gro", "on", "txvlan", "off", "rxvlan", "off", "tx-vlan-stag-hw-insert", "off"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			tags := []string{"0", "50", "0x88a8:50", "50.100", "0x8100:50.0x8100:100", "100.50"}
			var here, there []*sessionEnd
			for i, text := range tags {
				stack, err := vlan.Parse(text)
				if err != nil {
					t.Fatal(err)
				}
				a, b := s.vlanSession(byte(1+i), stack, 1480)
				here, there = append(here, a), append(there, b)
			}
			for i := range here {
				exchange(t, here[i], there[i], there[i].ipv4, 1<<20)
				exchange(t, there[i], here[i], here[i].ipv6, 1<<20)
				if _, err := here[i].ns.Ping(there[i].ipv4, 1, time.Second); err != nil {
					t.Errorf("%s: %v", tags[i], err)
				}
			}
			for i := range here {
				a, b := here[i].kernel.Counters(), there[i].kernel.Counters()
				if a.SentPackets != b.ReceivedPackets || b.SentPackets != a.ReceivedPackets || a.SentBytes < 1<<20 || b.SentBytes < 1<<20 {
					t.Errorf("%s: %+v here, %+v there", tags[i], a, b)
				}
				if n := here[i].userSpace.received.Load(); n > 10 {
					t.Errorf("%s: %d packets through user space", tags[i], n)
				}
			}
		})
	}
}
