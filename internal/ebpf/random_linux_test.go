package ebpf

import (
	"math/rand/v2"
	"testing"

	"github.com/mdlayher/packet"

	"upppoe/pppoe/vlan"
	"upppoe/test/packets"
)

// raw is a packet socket on a station's TUN.
func (t *tunnel) raw() *packet.Conn {
	t.t.Helper()
	var conn *packet.Conn
	t.do(func() (err error) {
		conn, err = packets.Open(t.device.Name())
		return err
	})
	t.t.Cleanup(func() { conn.Close() })
	return conn
}

// TestRandomPackets sends packets of all lengths and kinds, broken ones among them, and has
// each come out at the other end as it went in, by way of the kernel or of user space.
func TestRandomPackets(t *testing.T) {
	for name, prepare := range map[string][]func(*end, *Config){
		"TC": nil, "XDP": {withOwn}, "XDP, joined": {withOwn, switching("gro", "on", "tso", "off")},
	} {
		t.Run(name, func(t *testing.T) {
			s := lay(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			source := &packets.Source{Rand: rand.New(rand.NewPCG(3, 4)), Most: 1492}
			if _, err := packets.Carry(here.raw(), there.raw(), source, 20000); err != nil {
				t.Fatal(err)
			}
			if c := there.line.Counters(1); c.ReceivedPackets < 10000 || there.relay.received.Load() < 1000 {
				t.Errorf("%+v by way of the kernel, %d of user space", c, there.relay.received.Load())
			}
		})
	}
}
