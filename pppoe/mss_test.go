package pppoe_test

import (
	"bytes"
	"encoding/binary"
	"testing"
	"testing/synctest"

	"upppoe/pppoe/ethertest"
	"upppoe/tun/tuntest"
)

// synAt is the offset of the MSS in a SYN of these tests.
const synAt = 20 + 20 + 2

// synPacket returns a TCP SYN over IPv4 with an MSS and without a checksum.
func synPacket(src, dst string, flags byte, mss uint16) []byte {
	p := append(ipv4(src, dst), make([]byte, 24)...)
	p[3], p[9] = byte(len(p)), 6
	copy(p[20:], []byte{0xc0, 1, 0, 80, 12: 6 << 4, 13: flags, 20: 2, 21: 4})
	binary.BigEndian.PutUint16(p[synAt:], mss)
	return p
}

// TestSessionClampsMSS: hosts behind the client and the server announce the MSS of their Ethernet,
// and receive one that fits the session.
func TestSessionClampsMSS(t *testing.T) {
	for _, c := range []struct {
		what           string
		client, server int // MSS of the configurations
		mru            int // the client's
		want           uint16
	}{
		{"both by the agreed MTU", 0, 0, 0, 1452},
		{"the client alone", 0, -1, 0, 1452},
		{"the server alone", -1, 0, 0, 1452},
		{"neither", -1, -1, 0, 1460},
		{"no more than the client says", 1412, 0, 0, 1412},
		{"no more than the server says", 0, 1300, 0, 1300},
		{"more than fits", 9000, 9000, 0, 1452},
		{"by a smaller MRU", 0, 0, 1400, 1360},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.client.MSS, l.server.MSS = c.client, c.server
			l.client.Session.LCP.MRU = c.mru
			l.startServer()
			l.startClient()
			synctest.Wait()
			here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "ppp0")
			for _, way := range []struct {
				what     string
				from, to *tuntest.Device
				packet   []byte
			}{
				{"SYN to the server", here, there, synPacket("192.0.2.10", "203.0.113.254", 2, 1460)},
				{"SYN and ACK to the client", there, here, synPacket("203.0.113.254", "192.0.2.10", 0x12, 1460)},
				{"data", here, there, synPacket("192.0.2.10", "203.0.113.254", 0x10, 1460)},
			} {
				way.from.Inject(way.packet)
				synctest.Wait()
				select {
				case got := <-way.to.Received():
					want := bytes.Clone(way.packet)
					if way.what != "data" {
						binary.BigEndian.PutUint16(want[synAt:], c.want)
					}
					copy(want[36:38], got[36:38]) // the checksum, which has tests of its own
					if !bytes.Equal(got, want) {
						t.Errorf("%s, %s: carried\n% x, want\n% x", c.what, way.what, got, want)
					}
				default:
					t.Errorf("%s, %s: not carried", c.what, way.what)
				}
			}
			l.stop()
		})
	}
}
