package pppoe_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun/tuntest"
)

// lateHost is a host whose Configure blocks until ready.
type lateHost struct {
	*host
	ready chan struct{} // closed when Configure may return
}

func (h lateHost) Configure(l pppoe.SessionInfo, have, want pppoe.Addressing) error {
	<-h.ready
	return h.host.Configure(l, have, want)
}

// received returns the packets that a device has received.
func received(d *tuntest.Device) (all [][]byte) {
	for {
		select {
		case packet := <-d.Received():
			all = append(all, packet)
		default:
			return all
		}
	}
}

// numbered returns a copy of a packet with a number in it.
func numbered(packet []byte, n int) []byte {
	packet = slices.Clone(packet)
	packet[5] = byte(n)
	return packet
}

// TestFirstPackets: packets that the peer sends before our device is ready are queued, in order and
// within bounds, on both sides; none reaches the device before.
func TestFirstPackets(t *testing.T) {
	for _, side := range []string{"client", "server"} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			ready := make(chan struct{})
			from, to, ping := l.clientHost, l.serverHost, pingFromClient
			if side == "client" {
				from, to, ping = to, from, pingFromServer
				l.client.Network = lateHost{l.clientHost, ready}
			} else {
				l.server.Network = lateHost{l.serverHost, ready}
			}
			server := l.startServer()
			l.startClient()
			time.Sleep(16 * time.Second) // the server holds its Acks for 15 s
			synctest.Wait()
			var sent [][]byte
			for i := range 10 {
				packet := numbered(ping, i)
				sent = append(sent, packet)
				from.device(t, "ppp0").Inject(packet)
				synctest.Wait()
			}
			device := to.device(t, "ppp0")
			if got := received(device); len(got) > 0 {
				t.Errorf("%s: %d packets before the device is ready", side, len(got))
			}
			time.Sleep(10 * time.Second)
			close(ready)
			synctest.Wait()
			if got := received(device); !slices.EqualFunc(got, sent[:8], slices.Equal) {
				t.Errorf("%s: then %d packets, % x; want the first 8", side, len(got), got)
			}
			if side == "server" {
				dropped := uint64(0)
				for _, n := range server.Drops() {
					dropped += n
				}
				if dropped != 2 {
					t.Errorf("the server has dropped %d, want the 2 that exceed the queue", dropped)
				}
			}
			l.exchange()
			l.stop()
		})
	}
}

// TestDeviceQueueDropped: queued packets are dropped if the session ends, or is renegotiated,
// before the device is ready.
func TestDeviceQueueDropped(t *testing.T) {
	for what, end := range map[string]func(l *lab){
		"PADT": func(l *lab) { l.segment.Send(forge(serverAddr, clientAddr, wire.PADT, 1, nil)) },
		"again": func(l *lab) {
			l.segment.Send(wire.AppendSessionFrame(nil, serverAddr, clientAddr, 1, []byte{0xc0, 0x21, 1, 99, 0, 4}))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			ready := make(chan struct{})
			l.server.Network = lateHost{l.serverHost, ready}
			l.startServer()
			l.startClient()
			synctest.Wait()
			l.clientHost.device(t, "ppp0").Inject(pingFromClient)
			synctest.Wait()
			end(l)
			synctest.Wait()
			close(ready)
			synctest.Wait()
			if got := received(l.serverHost.device(t, "ppp0")); len(got) > 0 {
				t.Errorf("%s: the device received % x", what, got)
			}
			l.stop()
		})
	}
}
