package pppoe_test

import (
	"encoding/binary"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/limit"
	"upppoe/pppoe/wire"
)

// anyService are the tags of a client that requests any service, with a Host-Uniq.
func anyService(uniq byte) wire.Tags {
	return wire.Tags(nil).Append(wire.TagServiceName, nil).Append(wire.TagHostUniq, []byte{uniq})
}

// endAll ends the server, and the client if there is one.
func (l *lab) endAll() {
	if l.stopClient != nil {
		l.stopClient()
	}
	l.stopServer()
	l.running.Wait()
}

// TestPADIFlood: among 100,000 PADIs of forged addresses, a real client is answered at its second
// PADI. The server answers no more than the limit, and its memory does not grow.
func TestPADIFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answered, toClient := 0, 0
		l := newLab(t, ethertest.Config{Watch: func(frame []byte) {
			if f, err := wire.ParseDiscoveryFrame(frame); err == nil && f.Code == wire.PADO {
				answered++
				if f.Dst == clientAddr {
					toClient++
				}
			}
		}})
		l.server.Access.PADIs = limit.Limits{VLAN: 200}
		server := l.startServer()
		before := heap()
		flood := func(seconds int) {
			for i := range 10_000 * seconds {
				from := wire.Addr{2, byte(seconds)}
				binary.BigEndian.PutUint32(from[2:], uint32(i))
				l.segment.Send(forge(wire.Broadcast, from, wire.PADI, 0, anyService(1)))
				time.Sleep(time.Second / 10_000)
			}
		}
		flood(2)
		l.startClient()
		flood(8)
		if _, up := last[pppoe.SessionEstablished](&l.serverEvents); !up || toClient == 0 {
			t.Errorf("the real client has no session; it got %d PADOs", toClient)
		}
		if most := 200 + 10*200; answered < most/2 || answered > most {
			t.Errorf("%d PADIs were answered, want about %d", answered, most)
		}
		if n := server.Drops()[limit.Exceeded{What: limit.PADIs, Scope: limit.PerVLAN}]; n < 100_000-2300 {
			t.Errorf("%d PADIs were dropped by the VLAN's limit", n)
		}
		if grown := heap() - before; grown > 8<<20 {
			t.Errorf("the heap has grown by %d octets", grown)
		}
		l.endAll()
	})
}

// heap returns the size of what is reachable, in octets.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestMACLists: PADIs and PADRs of a denied client get no answer, until the lists are changed; a
// session that is open goes on, and its client can end it.
func TestMACLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		server := l.startServer()
		deny := l.server
		deny.Access.Clients.Deny = wire.NewAddrSet([]wire.AddrPrefix{{Addr: wire.Addr{2, 9}, Bits: 24}})
		station := requester{&seen, l.segment, wire.Addr{2, 9}}
		station.request(1)
		if err := server.Reconfigure(deny); err != nil {
			t.Fatal(err)
		}
		padr := seen.all(wire.PADR)[0]
		l.segment.Send(padr.AppendTo(nil))
		l.segment.Send(forge(wire.Broadcast, station.station, wire.PADI, 0, anyService(1)))
		synctest.Wait()
		if n := len(seen.all(wire.PADO)) + len(seen.all(wire.PADS)); n != 2 || server.Drops()[limit.ErrDenied] != 2 {
			t.Errorf("%d answers, %v dropped; want 2 answers from before, and 2 dropped", n, server.Drops())
		}
		l.checkSessions(1, 0, "with the client denied,")
		l.segment.Send(forge(serverAddr, station.station, wire.PADT, seen.all(wire.PADS)[0].SessionID, nil))
		l.checkSessions(1, 1, "after its PADT,")
		if err := server.Reconfigure(l.server); err != nil {
			t.Fatal(err)
		}
		station.request(2)
		l.checkSessions(2, 1, "with the client admitted again,")
		l.endAll()
	})
}

// TestPADODelay: a PADO is sent when its delay is over, by the number of sessions; one for a client
// that repeats its PADI; none beyond a number of sessions, and none by a server that has ended.
func TestPADODelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Access.PADODelay = discovery.PADODelay{{Delay: 100 * time.Millisecond}, {Sessions: 1, Delay: 300 * time.Millisecond}, {Sessions: 2, Delay: -1}}
		server := l.startServer()
		padi := func(uniq byte) {
			l.segment.Send(forge(wire.Broadcast, wire.Addr{2, 9}, wire.PADI, 0, anyService(uniq)))
		}
		after := func(d time.Duration, pados int) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if n := len(seen.all(wire.PADO)); n != pados {
				t.Errorf("%d PADOs, want %d", n, pados)
			}
		}
		padi(1)
		after(60*time.Millisecond, 0)
		padi(1)
		padi(2)
		after(40*time.Millisecond-1, 0)
		after(1, 1)
		after(59*time.Millisecond, 1)
		after(time.Millisecond, 2)
		request := func(uniq byte) {
			cookie, _ := seen.all(wire.PADO)[int(uniq)-1].Tags.Find(wire.TagACCookie)
			l.segment.Send(forge(serverAddr, wire.Addr{2, 9}, wire.PADR, 0, anyService(uniq).Append(wire.TagACCookie, cookie)))
			synctest.Wait()
		}
		request(1)
		l.checkSessions(1, 0, "after a delayed PADO,")
		padi(3)
		after(300*time.Millisecond-1, 2)
		after(1, 3)
		request(2)
		padi(4)
		after(time.Second, 3)
		if n := server.Drops()[pppoe.ErrDelayedForever]; n != 1 {
			t.Errorf("%d PADIs were dropped for the number of sessions, want 1", n)
		}
		l.segment.Send(forge(serverAddr, wire.Addr{2, 9}, wire.PADT, seen.all(wire.PADS)[0].SessionID, nil))
		synctest.Wait()
		padi(5)
		synctest.Wait()
		l.stopServer()
		after(time.Minute, 3)
		l.running.Wait()
	})
}

// TestSessionLimit: a client beyond the limit of its VLAN is rejected, and may have a session when
// another has ended. One that returns replaces its own session that is not open.
func TestSessionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Access.Sessions = limit.Limits{VLAN: 1}
		server := l.startServer()
		one, two := requester{&seen, l.segment, wire.Addr{2, 9}}, requester{&seen, l.segment, wire.Addr{2, 11}}
		one.request(1)
		two.request(1)
		why := limit.Exceeded{What: limit.Sessions, Scope: limit.PerVLAN}
		if e, _ := last[pppoe.NoFreeSlots](&l.serverEvents); e.Reason != why || server.Drops()[why] != 1 {
			t.Errorf("rejected because of %v, counted %v", e.Reason, server.Drops())
		}
		if _, rejected := seen.all(wire.PADS)[1].Tags.FindError(); !rejected {
			t.Error("the PADS has no error")
		}
		l.checkSessions(1, 0, "of two clients,")
		one.request(2)
		l.checkSessions(2, 1, "when the first has returned,")
		l.segment.Send(forge(serverAddr, one.station, wire.PADT, seen.all(wire.PADS)[2].SessionID, nil))
		synctest.Wait()
		two.request(2)
		l.checkSessions(3, 2, "when the first has ended,")
		l.endAll()
	})
}

// TestHalfOpenLimit: a PADR beyond the limit of half-open sessions gets no answer; one that the
// client repeats when another session has reached its network phase does.
func TestHalfOpenLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Access.HalfOpen = limit.Limits{Interface: 1}
		server := l.startServer()
		station := requester{&seen, l.segment, wire.Addr{2, 9}}
		station.request(1)
		l.startClient()
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if n := len(seen.all(wire.PADS)); n != 1 || server.Drops()[limit.Exceeded{What: limit.HalfOpen, Scope: limit.PerInterface}] == 0 {
			t.Errorf("%d PADS, dropped %v; want one PADS, of the half-open session", n, server.Drops())
		}
		l.segment.Send(forge(serverAddr, station.station, wire.PADT, seen.all(wire.PADS)[0].SessionID, nil))
		time.Sleep(time.Minute)
		synctest.Wait()
		if _, up := last[pppoe.Configured](&l.clientEvents); !up {
			t.Error("the client has no session")
		}
		station.request(2)
		l.checkSessions(3, 1, "when the client's session is open,")
		l.endAll()
	})
}

// TestPADRLimit: PADRs beyond the limit are dropped; those without a valid cookie do not count.
func TestPADRLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		l.server.Access.PADRs = limit.Limits{Client: 2}
		server := l.startServer()
		station := requester{&seen, l.segment, wire.Addr{2, 9}}
		for range 10 {
			l.segment.Send(forge(serverAddr, station.station, wire.PADR, 0, anyService(1)))
		}
		for i := range 3 {
			station.request(byte(i))
		}
		l.checkSessions(2, 0, "of three requests at once,")
		if n := server.Drops()[limit.Exceeded{What: limit.PADRs, Scope: limit.PerClient}]; n != 1 {
			t.Errorf("%d PADRs were dropped by the limit, want 1", n)
		}
		time.Sleep(time.Second)
		station.request(3)
		l.checkSessions(3, 0, "and of one a second later,")
		l.endAll()
	})
}

// TestServicesChange: Reconfigure changes the services that are offered.
func TestServicesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		l := newLab(t, ethertest.Config{Watch: seen.watch})
		server := l.startServer()
		next := l.server
		next.Concentrator.Services = []string{"gold"}
		if err := server.Reconfigure(next); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tin", "gold"} {
			l.segment.Send(forge(wire.Broadcast, wire.Addr{2, 9}, wire.PADI, 0, wire.Tags(nil).Append(wire.TagServiceName, []byte(name))))
			synctest.Wait()
		}
		if n := len(seen.all(wire.PADO)); n != 1 {
			t.Errorf("%d PADOs for a service that is offered and one that is not, want 1", n)
		}
		next.Concentrator.Services = []string{string(make([]byte, discovery.MaxServices-3))}
		if err := server.Reconfigure(next); err == nil {
			t.Error("services that fill a PADO are accepted")
		}
		l.endAll()
	})
}
