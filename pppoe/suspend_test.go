package pppoe_test

import (
	"errors"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestSuspend: a suspended server sends no control packet, but carries packets; it can go on as if nothing had
// been, or leave its sessions to a successor. Run's context ends it without a packet, too.
func TestSuspend(t *testing.T) {
	for _, leave := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var fromServer atomic.Int64
			l := newLab(t, ethertest.Config{Watch: func(frame []byte) {
				if wire.Addr(frame[6:12]) == serverAddr && frame[12] == 0x88 && frame[13] == 0x64 && frame[20] == 0xc0 {
					fromServer.Add(1)
				}
			}})
			store := &memoryStore{}
			l.server.Store = store
			first := l.startServer()
			if err := first.Resume(); !errors.Is(err, pppoe.ErrNotSuspended) {
				t.Errorf("Resume returns %v", err)
			}
			c := newSubscriber(1)
			c.start(l, true)
			time.Sleep(time.Minute)
			before := l.serverHost.device(t, "ppp0")

			first.Suspend()
			first.Suspend() // no effect
			n := fromServer.Load()
			c.host.device(t, "c0").Inject(pingFromClient)
			time.Sleep(8 * time.Second)
			if got := fromServer.Load(); got != n {
				t.Errorf("a suspended server has sent %d control packets", got-n)
			}
			if receivedCount(before) != 1 {
				t.Error("a suspended server carries no packets")
			}
			if !leave {
				if err := first.Resume(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				l.check(first, "resumed", c)
			} else {
				if err := first.Leave(); err != nil {
					t.Fatal(err)
				}
				before.Close()
				time.Sleep(time.Second)
				second, report := l.restart(0)
				if report.Adopted != 1 {
					t.Fatalf("%+v", report)
				}
				for is := range second.Sessions() {
					if is.Counters.ReceivedPackets != 1 {
						t.Errorf("counters are %+v", is.Counters)
					}
				}
				time.Sleep(time.Minute)
				l.check(second, "adopted", c)
			}
			if count[pppoe.Ended](&c.events) != 0 {
				t.Error("the client's session has ended")
			}
			c.stop()
			time.Sleep(time.Minute)
			l.stopServer()
			l.running.Wait()
		})
	}
}

// TestLeaveAtOnce: a server that leaves as soon as it is suspended ends no session.
func TestLeaveAtOnce(t *testing.T) {
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{})
			l.server.Store = &memoryStore{}
			s := l.startServer()
			c := newSubscriber(1)
			c.start(l, true)
			time.Sleep(time.Second)
			s.Suspend()
			if err := s.Leave(); err != nil {
				t.Fatal(err)
			}
			l.serverHost.device(t, "ppp0").Close() // no successor adopts it
			time.Sleep(time.Second)
			if count[pppoe.Ended](&c.events) != 0 {
				t.Error("the client's session has ended")
			}
			c.stop()
			time.Sleep(time.Minute)
			l.running.Wait()
		})
	}
}

// TestNotAdopted: what cannot be adopted is reported with the reason, its client is told at once, and its record
// deleted; the other sessions are adopted.
func TestNotAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		store := &memoryStore{}
		l.server.Store, l.server.Pool.Max = store, 16
		first := l.startServer()
		const clients = 9
		var all []*subscriber
		for i := range byte(clients) {
			c := newSubscriber(i + 1)
			c.start(l, false)
			time.Sleep(time.Second) // generation i+1
			all = append(all, c)
		}
		l.crash(first)
		refused, otherBoot := errors.New("the account is gone"), errors.New("the machine was started again")
		l.server.CheckAdoption = func(r *pppoe.SessionRecord, conflict error) error {
			if r.Generation == 3 {
				return refused
			}
			return conflict
		}
		sessions := store.sessions()
		change := func(generation uint64, do func(*pppoe.StoredSession, *pppoe.SessionRecord)) {
			s := sessions[generation]
			r, err := pppoe.ParseSessionRecord(s.Session)
			if err != nil {
				t.Fatal(err)
			}
			s.Session = nil
			if do(&s, &r); s.Session == nil {
				s.Session = r.AppendTo(nil)
			}
			sessions[generation] = s
		}
		change(2, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { s.Session = r.AppendTo(nil); s.Session[0]++ })
		change(4, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { s.Err = otherBoot })
		change(5, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { r.Open = false })
		change(6, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { r.Listener = "elsewhere" })
		change(7, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { r.PPP = nil })
		change(8, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { r.IPv4.Remote = l.server.Pool.Address(0) }) // of generation 1
		change(9, func(s *pppoe.StoredSession, r *pppoe.SessionRecord) { s.Counters = []byte{2, 7} })
		want := map[uint64]error{
			1: pppoe.ErrIPv4InUse, 2: pppoe.ErrRecordVersion, 3: refused, 4: otherBoot, 5: pppoe.ErrNotOpen, 6: pppoe.ErrNoListener,
			7: nil, 9: pppoe.ErrRecord,
		}

		store.start(0)
		l.renewNetwork()
		second, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
		if err != nil {
			t.Fatal(err)
		}
		l.runServer(second)
		synctest.Wait()
		report := second.Adopt(maps.Values(sessions)) // while it runs
		if report.Adopted != 1 || len(report.NotAdopted) != clients-1 {
			t.Errorf("adopted %+v", report)
		}
		for _, n := range report.NotAdopted {
			reason, ok := want[n.Session.Generation]
			if !ok || reason != nil && !errors.Is(n.Err, reason) || n.PADT != (n.Session.Generation != 6) {
				t.Errorf("session of generation %d: %v, PADT %v", n.Session.Generation, n.Err, n.PADT)
			}
		}
		time.Sleep(100 * time.Millisecond)
		for i, c := range all {
			ended := count[pppoe.Ended](&c.events) > 0
			if generation := i + 1; ended == (generation == 8 || generation == 6) {
				t.Errorf("the client of generation %d, session over: %v", generation, ended)
			}
		}
		all[5].cut(l) // nobody can tell it
		time.Sleep(10 * time.Second)
		for is := range second.Sessions() {
			if is.Generation <= clients && is.Generation != 8 {
				t.Errorf("generation %d is used again", is.Generation)
			}
		}
		for _, c := range all {
			if c.stop != nil {
				c.stop()
			}
		}
		time.Sleep(time.Minute)
		l.stopServer()
		l.running.Wait()
	})
}
