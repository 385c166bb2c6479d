package ebpf

import (
	"math/rand/v2"
	"testing"

	"github.com/mdlayher/packet"

	"upppoe/pppoe/vlan"
	"upppoe/test/packets"
)

// packetSocket opens a packet socket on the end's TUN.
func (t *sessionEnd) packetSocket() *packet.Conn {
	t.t.Helper()
	var conn *packet.Conn
	t.do(func() (err error) {
		conn, err = packets.Open(t.device.Name())
		return err
	})
	t.t.Cleanup(func() { conn.Close() })
	return conn
}

// TestRandomPackets sends packets of all lengths and kinds, malformed ones among them; each arrives
// unchanged, whether the kernel carries it or user space.
func TestRandomPackets(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){
		"TC": nil, "XDP": {withExclusive}, "XDP, GRO": {withExclusive, ethtoolSet("gro", "on", "tso", "off")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			source := &packets.Source{Rand: rand.New(rand.NewPCG(3, 4)), MaxLen: 1492}
			if _, err := packets.Transfer(here.packetSocket(), there.packetSocket(), source, 20000); err != nil {
				t.Fatal(err)
			}
			if c := there.kernel.Counters(); c.ReceivedPackets < 10000 || there.userSpace.received.Load() < 1000 {
				t.Errorf("%+v through the kernel, %d through user space", c, there.userSpace.received.Load())
			}
		})
	}
}
