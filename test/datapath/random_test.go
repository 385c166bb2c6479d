package datapath

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/mdlayher/packet"

	"upppoe/pppoe/datapath"
	"upppoe/test/packets"
)

// Some 100,000 in total over all pairs of data paths.
var randomPackets = flag.Int("packets", 6000, "number of random packets in each direction between two data paths")

// random transfers packets of all kinds in both directions; each arrives unchanged.
func (e *ends) random(t *testing.T) {
	client, server := tap(t, e.client), tap(t, e.server)
	s := &packets.Source{Rand: rand.New(rand.NewPCG(3, 4)), MaxLen: e.mtu, Flows: true, GSO: true}
	for _, way := range []struct {
		from, to *packet.Conn
		at       *end
	}{{client, server, e.server}, {server, client, e.client}} {
		before := way.at.kernelCounters()
		carried, err := packets.Transfer(way.from, way.to, s, *randomPackets)
		must(t, err)
		if n := way.at.kernelCounters().ReceivedPackets - before.ReceivedPackets; way.at.offload != nil && n < uint64(*randomPackets/2) {
			t.Errorf("the kernel carried only %d packets of %d", n, *randomPackets)
		}
		if way.at.path == datapath.KindGSO && carried.Coalesced == 0 {
			t.Error("no packets were coalesced")
		}
	}
}

// tap opens a packet socket on an end's TUN.
func tap(t *testing.T, e *end) *packet.Conn {
	t.Helper()
	var conn *packet.Conn
	must(t, e.Do(func() (err error) {
		conn, err = packets.Open("ppp0")
		return err
	}))
	t.Cleanup(func() { conn.Close() })
	return conn
}
