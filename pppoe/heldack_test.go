package pppoe_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
)

// TestLastAckWhenReady: the server acknowledges IPCP and IPv6CP when the device is configured, so that
// the first packet of the client is carried.
func TestLastAckWhenReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		ready := make(chan struct{})
		l.server.Network = lateHost{l.serverHost, ready}
		l.startServer()
		l.startClient()
		time.Sleep(10 * time.Second)
		if got, ok := last[pppoe.Configured](&l.clientEvents); ok {
			t.Errorf("the client has %v before the device is ready", got.Addressing)
		}
		close(ready)
		synctest.Wait()
		for side, events := range map[string]*eventLog{"client": &l.clientEvents, "server": &l.serverEvents} {
			if got, _ := last[pppoe.Configured](events); !got.HasIPv4() || !got.HasIPv6() {
				t.Errorf("%s: then it has %v", side, got.Addressing)
			}
			if n := count[pppoe.NetworkLost](events); n > 0 {
				t.Errorf("%s: a protocol went down %d times", side, n)
			}
		}
		l.exchange()
		l.stop()
	})
}

// TestLastAckIsBounded: if the device is not ready for long, the client gets the Ack in any case, before
// it gives up, and packets follow when the device is ready.
func TestLastAckIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		ready := make(chan struct{})
		l.server.Network = lateHost{l.serverHost, ready}
		l.startServer()
		l.startClient()
		time.Sleep(16 * time.Second)
		if got, _ := last[pppoe.Configured](&l.clientEvents); !got.HasIPv4() || !got.HasIPv6() {
			t.Errorf("after 16 s the client has %v", got.Addressing)
		}
		time.Sleep(time.Minute)
		close(ready)
		synctest.Wait()
		if n := count[pppoe.NetworkLost](&l.clientEvents) + count[pppoe.NetworkLost](&l.serverEvents); n > 0 {
			t.Errorf("a protocol went down %d times", n)
		}
		l.exchange()
		l.stop()
	})
}

// TestRedialBeforeRemoval: a client that dials again before the device of its ended session is
// removed gets its address again, once that device has lost it.
func TestRedialBeforeRemoval(t *testing.T) {
	for _, keepOlder := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.KeepOlder = keepOlder
			l.serverHost.slow = 5 * time.Second
			l.startServer()
			for i := range 3 {
				l.startClient()
				time.Sleep(12 * time.Second)
				l.checkAddress(netip.MustParseAddr("192.0.2.10"), "dial "+string(rune('1'+i)))
				l.stopClient()
				time.Sleep(time.Second)
				synctest.Wait()
			}
			if l.serverHost.twice != nil {
				t.Error(l.serverHost.twice)
			}
			if n := count[pppoe.AddressTakenOver](&l.serverEvents); n > 0 {
				t.Errorf("%d sessions lost their address while they were ending", n)
			}
			l.stop()
		})
	}
}
