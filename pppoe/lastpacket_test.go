package pppoe_test

import (
	"testing"
	"testing/synctest"

	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
)

// TestLastPacket: when an address family is lost, a last packet can be sent to the peer, unless it
// has ended the session with a PADT.
func TestLastPacket(t *testing.T) {
	for _, padt := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newSharedLab(t)
			var s *pppoe.Server
			sent := 0
			before := l.server.Notify
			l.server.Notify = func(i pppoe.SessionInfo, e pppoe.Event) {
				before(i, e)
				if lost, ok := e.(pppoe.NetworkLost); ok && lost.Protocol == ppp.IPCP && s.Send(i.Key(), ipv4("192.0.2.1", "192.0.2.10")) {
					sent++
				}
			}
			s = l.startServer()
			one, stop := l.dial(1)
			key := l.serverEvents.key()
			want := 1
			if padt {
				want = 0
				l.segment.Send(forge(serverAddr, wire.Addr{2, 9, 1}, wire.PADT, key.SessionID, nil))
			} else {
				l.stopServer()
			}
			synctest.Wait()
			if n := receivedCount(one); n != want || sent != want {
				t.Errorf("PADT %v: %d packets sent, %d received, want %d", padt, sent, n, want)
			}
			stop()
			l.end()
		})
	}
}
