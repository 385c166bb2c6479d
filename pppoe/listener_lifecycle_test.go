package pppoe_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// fakeNIC is an Ethernet interface: it has an address, and may be absent.
type fakeNIC struct {
	segment *ethertest.Segment
	mu      sync.Mutex
	address wire.Addr
	absent  bool
	opened  int
	ports   []pppoe.Ports
	during  func() // called once while ports are opened
}

var errAbsent = errors.New("no such interface")

func (c *fakeNIC) open() (pppoe.Ports, error) {
	c.mu.Lock()
	during := c.during
	c.during = nil
	c.opened++
	if c.absent {
		c.mu.Unlock()
		return pppoe.Ports{}, errAbsent
	}
	p := c.segment.Ports(c.address)
	c.ports = append(c.ports, p)
	c.mu.Unlock()
	if during != nil {
		during()
	}
	return p, nil
}

// openedTimes returns how many times ports were opened.
func (c *fakeNIC) openedTimes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened
}

// set changes the interface. Open ports are lost if it is absent.
func (c *fakeNIC) set(away bool, address wire.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.absent, c.address = away, address
	for _, p := range c.ports {
		if away {
			p.Close()
		}
	}
}

var (
	otherAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 0x77}
	thirdAddr = wire.Addr{2, 0, 0x5e, 0, 0x53, 0x78}
)

// startServerOnNICs starts a server on several interfaces, called "s", "t", and so on.
func (l *lab) startServerOnNICs(cards ...*fakeNIC) *pppoe.Server {
	var listeners []pppoe.Listener
	for i, c := range cards {
		ports, err := c.open()
		if err != nil {
			l.t.Fatal(err)
		}
		name := string(rune('s' + i))
		listeners = append(listeners, pppoe.Listener{Interface: name + ".7", Device: name, Ports: ports, Reopen: c.open})
	}
	s, err := pppoe.NewServer(l.server, listeners)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stopServer = stop
	l.running.Go(func() {
		if err := s.Run(ctx); err != nil {
			l.t.Errorf("server ended with %v", err)
		}
	})
	return s
}

// padts returns the number of PADTs to a station, by source.
func padts(seen *recorder, to wire.Addr) map[wire.Addr]int {
	by := map[wire.Addr]int{}
	for _, f := range seen.all(wire.PADT) {
		if f.Dst == to && f.SessionID == 1 {
			by[f.Src]++
		}
	}
	return by
}

// TestServerAddressChanges: when an interface gets another Ethernet address, its sessions end with
// a PADT from the old one, the only one that clients accept, and clients return under the new one.
func TestServerAddressChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.client.Redial = persist(0, 0)
		nic := &fakeNIC{segment: l.segment, address: serverAddr}
		s := l.startServerOnNICs(nic)
		l.startClient()
		s.SetInterfaceState("s", pppoe.InterfaceUp, serverAddr)
		s.SetInterfaceState("t", pppoe.InterfaceUp, otherAddr) // of another interface
		s.SetInterfaceState("s", pppoe.InterfaceUp, wire.Addr{})
		l.checkOnline(1, "at first")
		time.Sleep(time.Minute)
		l.checkOnline(1, "a minute later")
		nic.set(false, otherAddr)
		s.SetInterfaceState("s", pppoe.InterfaceUp, otherAddr)
		time.Sleep(2 * time.Second)
		l.checkOnline(2, "after the change")
		if by := padts(&seen, clientAddr); by[serverAddr] != 2 || by[otherAddr] != 0 {
			t.Errorf("PADTs by source: %v, want two from %v: at once, and after the ports were reopened", by, serverAddr)
		}
		if e, _ := last[pppoe.ListenerRestored](&l.serverEvents); e.Addr != otherAddr {
			t.Errorf("the server listens as %v, want %v", e.Addr, otherAddr)
		}
		if n := count[pppoe.ListenerLost](&l.serverEvents); n != 1 {
			t.Errorf("it lost the interface %d times, want once", n)
		}
		l.stop()
	})
}

// TestServerInterfaceGoes: when an interface goes, a server continues on the others, and on that
// one when it is back, whether netlink or only the ports report it; then it ends the sessions that
// clients still keep.
func TestServerInterfaceGoes(t *testing.T) {
	for _, c := range []struct {
		what     string
		first    bool          // netlink reports it before the ports are lost
		reported bool          // netlink reports it
		again    time.Duration // until it listens again, at most
		lost     int           // ListenerLost events: one more if the ports cannot be reopened
	}{
		{"netlink reports it", true, true, 0, 1},
		{"netlink reports it after the ports are lost", false, true, 0, 2},
		{"only the ports are lost", false, false, time.Second, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var seen recorder
				l := newLab(t, ethertest.Config{Watch: seen.watch})
				goes, stays := &fakeNIC{segment: l.segment, address: serverAddr}, &fakeNIC{segment: l.segment, address: otherAddr}
				l.client.Discovery.AC = serverAddr
				l.client.Redial = persist(0, 0)
				s := l.startServerOnNICs(goes, stays)
				l.startClient()
				l.checkOnline(1, "at first")
				if c.first {
					s.SetInterfaceState("s", pppoe.InterfaceGone, wire.Addr{})
					synctest.Wait()
				}
				goes.set(true, serverAddr)
				synctest.Wait()
				if c.reported && !c.first {
					s.SetInterfaceState("s", pppoe.InterfaceGone, wire.Addr{})
				}
				synctest.Wait()
				if n := count[pppoe.Ended](&l.serverEvents); n != 1 {
					t.Errorf("%d sessions ended on the server, want one", n)
				}
				other := newLab(t, ethertest.Config{})
				other.segment = l.segment
				other.client.Discovery.AC = otherAddr
				other.client.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(wire.Addr{2, 9}), nil }
				other.startClient()
				other.checkOnline(1, "on the interface that stays")
				opened := goes.openedTimes()
				time.Sleep(10 * time.Second)
				if c.reported && goes.openedTimes() != opened {
					t.Error("an interface that is known to be gone was opened")
				}
				if by := padts(&seen, clientAddr); len(by) != 0 {
					t.Errorf("PADTs by source: %v, while there was no interface", by)
				}
				goes.set(false, serverAddr)
				if c.reported {
					s.SetInterfaceState("s", pppoe.InterfaceDown, serverAddr)
					synctest.Wait()
					if goes.openedTimes() != opened {
						t.Error("an interface that is known to be down was opened")
					}
					s.SetInterfaceState("s", pppoe.InterfaceNoCarrier, serverAddr)
					synctest.Wait()
					if by := padts(&seen, clientAddr); len(by) != 0 {
						t.Errorf("PADTs by source: %v, while there was no carrier", by)
					}
					s.SetInterfaceState("s", pppoe.InterfaceUp, serverAddr)
					s.SetInterfaceState("s", pppoe.InterfaceUp, serverAddr) // the second time has no effect
				}
				time.Sleep(c.again)
				synctest.Wait()
				if by := padts(&seen, clientAddr); by[serverAddr] != 1 {
					t.Errorf("once the interface was back, PADTs by source: %v, want one from %v", by, serverAddr)
				}
				time.Sleep(2 * time.Second)
				l.checkOnline(2, "with the interface back")
				other.checkOnline(1, "on the other one")
				other.stopClient()
				l.stop()
				if lost := count[pppoe.ListenerLost](&l.serverEvents); lost != c.lost {
					t.Errorf("ListenerLost was reported %d times, want %d", lost, c.lost)
				}
			})
		})
	}
}

// TestServerRenamed: an interface that was renamed is gone, though its ports still work.
func TestServerRenamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		nic := &fakeNIC{segment: l.segment, address: serverAddr}
		s := l.startServerOnNICs(nic)
		l.startClient()
		l.checkOnline(1, "at first")
		s.SetInterfaceState("s", pppoe.InterfaceGone, wire.Addr{})
		synctest.Wait()
		if n := count[pppoe.Ended](&l.serverEvents); n != 1 {
			t.Errorf("%d sessions ended on the server, want one", n)
		}
		time.Sleep(time.Hour)
		if nic.openedTimes() != 1 {
			t.Errorf("ports were opened %d times, want once: there is nothing to be opened", nic.openedTimes())
		}
		l.stop()
	})
}

// TestServerChangesMeanwhile: ports that were opened while the interface changed are not used.
func TestServerChangesMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		nic := &fakeNIC{segment: l.segment, address: serverAddr}
		s := l.startServerOnNICs(nic)
		nic.set(false, otherAddr)
		nic.during = func() {
			nic.set(false, thirdAddr)
			s.SetInterfaceState("s", pppoe.InterfaceUp, thirdAddr)
		}
		s.SetInterfaceState("s", pppoe.InterfaceUp, otherAddr)
		time.Sleep(2 * time.Second)
		if e, _ := last[pppoe.ListenerRestored](&l.serverEvents); e.Addr != thirdAddr || nic.openedTimes() != 3 {
			t.Errorf("the server listens as %v after it opened ports %d times, want %v and 3", e.Addr, nic.openedTimes(), thirdAddr)
		}
		l.startClient()
		l.checkOnline(1, "after all")
		l.stop()
	})
}

// TestServerEndsWithoutInterface: a server that waits for its only interface ends with its context.
func TestServerEndsWithoutInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		nic := &fakeNIC{segment: l.segment, address: serverAddr}
		l.startServerOnNICs(nic)
		nic.set(true, serverAddr)
		time.Sleep(time.Minute)
		l.stopServer()
		l.running.Wait()
		if n := count[pppoe.ListenerLost](&l.serverEvents); n != 2 {
			t.Errorf("ListenerLost was reported %d times, want twice: lost, and absent", n)
		}
	})
}

// TestClientAddressChanges: when the interface's address changes, the session ends with a PADT from
// the old address, and the next begins under the new one.
func TestClientAddressChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		nic := &fakeNIC{segment: l.segment, address: clientAddr}
		l.client.OpenPorts, l.client.Redial = nic.open, persist(0, 0)
		l.startServer()
		l.startClient()
		l.dialer.SetInterfaceAddr(clientAddr)
		l.checkOnline(1, "at first")
		nic.set(false, otherAddr)
		l.dialer.SetInterfaceAddr(otherAddr)
		time.Sleep(2 * time.Second)
		l.checkOnline(2, "after the change")
		if by := padts(&seen, serverAddr); by[clientAddr] == 0 || by[otherAddr] != 0 {
			t.Errorf("PADTs by source: %v, want them from %v", by, clientAddr)
		}
		if e, _ := last[pppoe.InterfaceAddressChanged](&l.clientEvents); e != (pppoe.InterfaceAddressChanged{From: clientAddr, To: otherAddr}) {
			t.Errorf("AddressChanged is %+v", e)
		}
		if e, _ := last[pppoe.Ended](&l.serverEvents); e.Reason.Cause != session.CauseHangUp {
			t.Errorf("the server's session ended with %v, want by PADT", e.Reason)
		}
		l.stop()
	})
}

// TestClientAddressChangesEarly: discovery continues under the new address, even without Persist,
// and whether the change is reported while the ports are opened or later.
func TestClientAddressChangesEarly(t *testing.T) {
	for _, c := range []struct {
		what string
		play func(l *lab, nic *fakeNIC)
	}{
		{"while ports are opened", func(l *lab, nic *fakeNIC) {
			nic.during = func() { nic.set(false, otherAddr); l.dialer.SetInterfaceAddr(otherAddr) }
			l.startClient()
			synctest.Wait()
		}},
		{"while it searches", func(l *lab, nic *fakeNIC) {
			l.startClient()
			synctest.Wait()
			nic.set(false, otherAddr)
			l.dialer.SetInterfaceAddr(otherAddr)
		}},
		{"before ports are opened, and reported later", func(l *lab, nic *fakeNIC) {
			nic.set(false, otherAddr)
			nic.during = func() { l.dialer.SetInterfaceAddr(otherAddr) }
			l.startClient()
			synctest.Wait()
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLab(t, ethertest.Config{})
				nic := &fakeNIC{segment: l.segment, address: clientAddr}
				l.client.OpenPorts = nic.open
				c.play(l, nic)
				l.startServer()
				time.Sleep(10 * time.Second)
				l.checkOnline(1, "in the end")
				if e, _ := last[pppoe.SessionEstablished](&l.serverEvents); e.AC != serverAddr {
					t.Errorf("granted: %+v", e)
				}
				l.exchange()
				l.stop()
			})
		})
	}
}

// TestInterfaceFlaps: each time an interface goes down and comes up again, even before the session
// has ended, the client redials at once; after other consecutive failures it pauses.
func TestInterfaceFlaps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		l.client.Redial = persist(time.Hour, 0)
		l.startServer()
		l.startClient()
		for i := range 4 {
			l.checkOnline(1+i, "before the interface goes")
			l.dialer.SetInterfaceState(pppoe.InterfaceDown)
			l.dialer.SetInterfaceState(pppoe.InterfaceUp)
			time.Sleep(time.Second)
		}
		l.checkOnline(5, "in the end")
		l.stopServer() // the dial at once fails
		time.Sleep(time.Minute)
		if w, ok := last[pppoe.AwaitingRedial](&l.clientEvents); !ok || w.Delay < time.Hour {
			t.Errorf("after the server's end it waits for %v, want the hour", w.Delay)
		}
		l.stop()
	})
}

// TestLostSessionIsEndedLater: a session that ended while no PADT could be sent gets one before the
// next dial, from its own address.
func TestLostSessionIsEndedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		nic := &fakeNIC{segment: l.segment, address: clientAddr}
		l.client.OpenPorts, l.client.Redial = nic.open, persist(0, 0)
		l.server.Pool.MaxPerClient = 1
		l.startServer()
		l.startClient()
		l.checkOnline(1, "at first")
		l.segment.Unplug(clientAddr)
		l.dialer.SetInterfaceState(pppoe.InterfaceDown)
		nic.set(false, otherAddr)
		time.Sleep(time.Second)
		if by := padts(&seen, serverAddr); len(by) != 0 {
			t.Errorf("PADTs by source: %v from an interface that is down", by)
		}
		l.segment.Plug(clientAddr)
		l.dialer.SetInterfaceAddr(otherAddr)
		l.dialer.SetInterfaceState(pppoe.InterfaceUp)
		time.Sleep(200 * time.Millisecond)
		l.checkOnline(2, "with the interface up")
		if by := padts(&seen, serverAddr); by[clientAddr] != 1 || by[otherAddr] != 0 {
			t.Errorf("PADTs by source: %v, want one from %v", by, clientAddr)
		}
		want := pppoe.StaleTerminated{StaleSession: pppoe.StaleSession{SessionID: 1, AC: serverAddr, Local: clientAddr}}
		if e, _ := last[pppoe.StaleTerminated](&l.clientEvents); e != want {
			t.Errorf("StaleTerminated is %+v, want %+v", e, want)
		}
		l.stop()
	})
}
