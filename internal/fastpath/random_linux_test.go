package fastpath

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"

	"upppoe/pppoe/vlan"
)

// raw is a packet socket on a station's TUN: what it sends leaves by the TUN, and what comes
// in by it, it hears.
func (t *tunnel) raw() *packet.Conn {
	t.t.Helper()
	var conn *packet.Conn
	t.do(func() error {
		iface, err := net.InterfaceByName(t.device.Name())
		if err != nil {
			return err
		}
		conn, err = packet.Listen(iface, packet.Raw, unix.ETH_P_ALL, nil)
		return err
	})
	t.t.Cleanup(func() { conn.Close() })
	return conn
}

// TestRandomPackets sends packets of all lengths and kinds, broken ones among them, and has
// each come out at the other end as it went in, by way of the kernel or of user space.
func TestRandomPackets(t *testing.T) {
	for name, prepare := range map[string][]func(*end, *Config){
		"TC": nil, "XDP": {withXDP}, "XDP, joined": {withXDP, features("gro", "on", "tso", "off")},
	} {
		t.Run(name, func(t *testing.T) {
			s := lay(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			from, to := here.raw(), there.raw()
			r := rand.New(rand.NewPCG(3, 4))
			buf := make([]byte, 2048)
			for i := range 10000 {
				p := randomPacket(r, uint32(i))
				if _, err := from.WriteTo(p, &packet.Addr{HardwareAddr: make(net.HardwareAddr, 6)}); err != nil {
					t.Fatal(err)
				}
				to.SetReadDeadline(time.Now().Add(2 * time.Second))
				for {
					n, _, err := to.ReadFrom(buf)
					if err != nil {
						t.Fatalf("packet %d: %x: %v", i, p, err)
					}
					if bytes.Equal(buf[:n], p) {
						break
					}
					if bytes.Contains(buf[:n], p[len(p)-4:]) {
						t.Fatalf("packet %d: %x became %x", i, p, buf[:n])
					}
				}
			}
			if c := there.line.Counters(1); c.ReceivedPackets < 5000 || there.relay.received.Load() < 500 {
				t.Errorf("%+v by way of the kernel, %d of user space", c, there.relay.received.Load())
			}
		})
	}
}

// randomPacket is an IP packet that ends in a number.
func randomPacket(r *rand.Rand, number uint32) []byte {
	f := frame(r)
	p := f[min(22, len(f)):]
	if len(p) < 40 || p[0]>>4 != 4 && p[0]>>4 != 6 {
		p = append([]byte{0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17}, make([]byte, 30)...)
	}
	p = append(p, make([]byte, r.IntN(1492-4-len(p)))...)
	p = binary.BigEndian.AppendUint32(p, number)
	if r.IntN(8) > 0 { // or IP says another length
		if p[0]>>4 == 4 {
			binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		} else {
			binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
		}
	}
	return p
}
