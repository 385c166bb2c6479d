package pppoe_test

import (
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// requester is a station that requests sessions and sends no session frames.
type requester struct {
	seen    *recorder
	segment *ethertest.Segment
	station wire.Addr
}

// request sends PADI and PADR with a Host-Uniq.
func (a requester) request(uniq byte) {
	tags := wire.Tags(nil).Append(wire.TagServiceName, nil).Append(wire.TagHostUniq, []byte{uniq})
	a.segment.Send(forge(wire.Broadcast, a.station, wire.PADI, 0, tags))
	synctest.Wait()
	offers := a.seen.all(wire.PADO)
	cookie, _ := offers[len(offers)-1].Tags.Find(wire.TagACCookie)
	a.segment.Send(forge(serverAddr, a.station, wire.PADR, 0, tags.Append(wire.TagACCookie, cookie)))
	synctest.Wait()
}

// checkSessions checks how many sessions were established, and how many of them have ended.
func (l *lab) checkSessions(want, over int, when string) {
	l.t.Helper()
	synctest.Wait()
	if got, ended := count[pppoe.SessionEstablished](&l.serverEvents), count[pppoe.Ended](&l.serverEvents); got != want || ended != over {
		l.t.Errorf("%s %d sessions were established, of which %d have ended; want %d, %d", when, got, ended, want, over)
	}
}

// TestEvictHalfOpen: a client's request beyond its number of slots evicts its oldest session that
// is not open, at once; the same if it has all slots.
func TestEvictHalfOpen(t *testing.T) {
	for _, c := range []struct{ each, most int }{{1, 1}, {2, 2}, {0, 4}} {
		synctest.Test(t, func(t *testing.T) {
			var seen recorder
			l := newLab(t, ethertest.Config{Watch: seen.watch})
			l.server.Pool.MaxPerClient = c.each
			l.startServer()
			a := requester{&seen, l.segment, wire.Addr{2, 9}}
			for i := range 7 {
				a.request(byte(i))
				l.checkSessions(i+1, max(0, i+1-c.most), "after each request")
			}
			if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CauseReplaced || !e.SentPADT {
				t.Errorf("the oldest session ended with %+v", e)
			}
			if first := seen.all(wire.PADT)[0]; first.SessionID != 1 || first.Dst != a.station {
				t.Errorf("the first that ended was %v, want session 1", first)
			}
			if n := count[pppoe.NoFreeSlots](&l.serverEvents); n != 0 {
				t.Errorf("%d requests were rejected", n)
			}
			l.stopServer()
			l.running.Wait()
		})
	}
}

// TestEvictDead: a client that dials again after a power cut is not rejected because of its old
// session, even without echoes; the same at another interface.
func TestEvictDead(t *testing.T) {
	for _, c := range []struct {
		what  string
		each  int
		all   int
		apart bool
	}{
		{"of its number", 1, 4, false},
		{"of all slots", 0, 1, false},
		{"at another interface", 1, 4, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				l.server.Pool.MaxPerClient, l.server.Pool.Max = c.each, c.all
				segment := l.segment
				if c.apart {
					segment = ethertest.New(ethertest.Config{})
				}
				l.startServerAtTwo(segment)
				ports := l.segment.Ports(clientAddr)
				l.client.OpenPorts = func() (pppoe.Ports, error) { return ports, nil }
				l.startClient()
				time.Sleep(time.Second)
				ports.Close()
				time.Sleep(time.Hour)
				l.checkSessions(1, 0, "an hour after the power cut")

				l.client.OpenPorts = func() (pppoe.Ports, error) { return segment.Ports(clientAddr), nil }
				l.clientEvents = eventLog{}
				l.startClient()
				time.Sleep(3500 * time.Millisecond)
				l.checkSessions(2, 1, "3.5 s after the client is back")
				if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CausePeerDead {
					t.Errorf("the old session ended for %v", e.Reason)
				}
				if _, ok := last[pppoe.Configured](&l.clientEvents); !ok {
					t.Error("the client is not online")
				}
				l.stop()
			})
		})
	}
}

// TestAliveNotEvicted: a second session of a client is rejected after the first one has answered
// the check; the first continues.
func TestAliveNotEvicted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.server.Pool.MaxPerClient = 1
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		other := newLab(t, ethertest.Config{})
		other.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(clientAddr), nil }
		for range 3 {
			began := time.Now()
			other.startClient()
			other.running.Wait()
			if took := time.Since(began); !errors.Is(other.clientErr, pppoe.ErrDiscovery) || took != 4500*time.Millisecond {
				t.Errorf("the second ended with %v after %v, want a rejection after 4 s, and half a second for other offers", other.clientErr, took)
			}
		}
		l.checkSessions(1, 0, "with a second client at the same station")
		l.exchange()
		l.stop()
	})
}

// TestRedialNotRejected: a client that redials gets its slot, even if its device takes longer to go
// than the client waits for a PADS.
func TestRedialNotRejected(t *testing.T) {
	for _, slow := range []time.Duration{0, time.Second, 20 * time.Second, 60 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.Pool.MaxPerClient = 1
			l.client.Redial = persist(time.Minute, 0)
			l.serverHost.slow = slow
			l.startServer()
			l.startClient()
			time.Sleep(time.Second)
			for range 3 {
				l.dialer.Redial()
				time.Sleep(2*slow + time.Second)
			}
			if n := count[pppoe.Rejected](&l.clientEvents); n > 0 {
				t.Errorf("with a device that takes %v to go a redial was rejected %d times", slow, n)
			}
			time.Sleep(10 * time.Minute)
			l.checkAddress(netip.MustParseAddr("192.0.2.10"), "in the end the client")
			l.stop()
		})
	}
}

// TestServedOnce: a request that waits, and is repeated when another client's slot is free, gets
// one session, and no second one when the session that it waited for ends.
func TestServedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.Max = 2
		l.startServer()
		l.startClient()
		other := l.secondClient(l.segment)
		other.startClient()
		time.Sleep(time.Second)
		a := requester{&seen, l.segment, clientAddr}
		a.request(1)
		l.checkSessions(2, 0, "while it waits")
		other.stopClient()
		synctest.Wait()
		a.request(1)
		l.checkSessions(3, 1, "once another's slot is free")
		l.stopClient()
		synctest.Wait()
		l.checkSessions(3, 2, "after the end of what it waited for")
		time.Sleep(10 * time.Second)
		l.checkSessions(3, 2, "later")
		l.stop()
	})
}

// TestStopWhileWaiting: a server that stops cancels waits, and loses no slot.
func TestStopWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Pool.MaxPerClient = 1
		l.startServer()
		l.startClient()
		time.Sleep(time.Second)
		synctest.Wait()
		requester{&seen, l.segment, clientAddr}.request(1)
		l.stopServer()
		time.Sleep(time.Minute)
		synctest.Wait()
		l.checkSessions(1, 1, "after the end")
		l.stop()
	})
}
