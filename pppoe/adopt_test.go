package pppoe_test

import (
	"bytes"
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/ethertest"
)

// memoryStore is a SessionStore in memory.
type memoryStore struct {
	mu       sync.Mutex
	sessions map[uint64]pppoe.StoredSession
	puts     int
	stopped  bool // nothing is written any more
}

func (m *memoryStore) change(generation uint64, do func(*pppoe.StoredSession)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	if m.sessions == nil {
		m.sessions = make(map[uint64]pppoe.StoredSession)
	}
	s := m.sessions[generation]
	s.Generation = generation
	do(&s)
	m.sessions[generation] = s
	m.puts++
}

func (m *memoryStore) PutSession(generation uint64, record []byte) {
	m.change(generation, func(s *pppoe.StoredSession) { s.Session = bytes.Clone(record) })
}

func (m *memoryStore) PutCounters(generation uint64, record []byte) {
	m.change(generation, func(s *pppoe.StoredSession) { s.Counters = bytes.Clone(record) })
}

func (m *memoryStore) DeleteSession(generation uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		delete(m.sessions, generation)
	}
}

// all returns what the store has, and what it has from now on is that.
func (m *memoryStore) all() iter.Seq[pppoe.StoredSession] {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Values(maps.Clone(m.sessions))
}

// records returns the records of the store, by generation.
func (m *memoryStore) records(t *testing.T) []pppoe.SessionRecord {
	t.Helper()
	var all []pppoe.SessionRecord
	for s := range m.all() {
		r, err := pppoe.ParseSessionRecord(s.Session)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b pppoe.SessionRecord) int { return int(a.Generation) - int(b.Generation) })
	return all
}

// crash ends the server as kill -9 does; the devices are closed by the kernel.
func (l *lab) crash(s *pppoe.Server) {
	l.t.Helper()
	pppoe.Crash(s)
	synctest.Wait()
	l.serverHost.mu.Lock()
	defer l.serverHost.mu.Unlock()
	for name, d := range l.serverHost.devices {
		d.Close()
		delete(l.serverHost.now, name)
	}
}

// restart makes a server from what the store has, and runs it.
func (l *lab) restart(before func(s *pppoe.Server)) (*pppoe.Server, pppoe.AdoptReport) {
	l.t.Helper()
	l.serverHost = newHost("new")
	l.server.Network = l.serverHost
	l.serverEvents = eventLog{}
	s, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
	if err != nil {
		l.t.Fatal(err)
	}
	report := s.Adopt(l.server.Store.(*memoryStore).all())
	if before != nil {
		before(s)
	}
	ctx, stop := context.WithCancel(context.Background())
	l.stopServer = stop
	l.running.Go(func() {
		if err := s.Run(ctx); err != nil {
			l.t.Errorf("server ended with %v", err)
		}
	})
	return s, report
}

// TestAdopt: a server that was killed is followed by one that continues its session: the client has the
// same session, address and policy, packets flow, and nothing is negotiated.
func TestAdopt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t, ethertest.Config{})
		store := &memoryStore{}
		l.server.Store = store
		policy := &pppoe.SessionPolicy{Up: datapath.Rate{Bits: 1e6}, CheckSource: true, Limits: &pppoe.SessionLimits{SessionTimeout: time.Hour}}
		l.server.Policy = func(pppoe.SessionInfo) *pppoe.SessionPolicy { return policy }
		first := l.startServer()
		l.startClient()
		time.Sleep(10 * time.Minute)
		l.exchange()
		time.Sleep(time.Minute)
		key, before := l.serverEvents.key(), count[pppoe.Configured](&l.clientEvents)
		was, err := first.Session(key)
		if err != nil {
			t.Fatal(err)
		}
		l.crash(first)
		time.Sleep(10 * time.Second)

		l.server.Policy = nil
		second, report := l.restart(nil)
		synctest.Wait()
		if report.Adopted != 1 || len(report.NotAdopted) != 0 {
			t.Fatalf("adopted: %+v", report)
		}
		is, err := second.Session(key)
		if err != nil {
			t.Fatal(err)
		}
		if is.Addressing != was.Addressing || is.User != was.User || is.Unit != was.Unit || is.Policy.Up != policy.Up || is.Counters != was.Counters {
			t.Errorf("adopted %+v, was %+v", is, was)
		}
		if d := is.Opened.Sub(was.Opened).Abs(); d > time.Millisecond {
			t.Errorf("opened %v later", d)
		}
		e, ok := last[pppoe.Adopted](&l.serverEvents)
		if n := count[pppoe.Configured](&l.serverEvents); !ok || e.Addressing != was.Addressing || n != 0 || len(l.serverEvents.events) != 1 {
			t.Errorf("events %v", l.serverEvents.events)
		}
		here, there := l.clientHost.device(t, "ppp0"), l.serverHost.device(t, "new0")
		here.Inject(pingFromClient)
		there.Inject(pingFromServer)
		synctest.Wait()
		if receivedCount(here) != 1 || receivedCount(there) != 1 {
			t.Error("packets do not flow")
		}
		time.Sleep(40 * time.Minute)
		if n := count[pppoe.Configured](&l.clientEvents); n != before || count[pppoe.Ended](&l.clientEvents) != 0 {
			t.Errorf("the client was configured %d times more", n-before)
		}
		time.Sleep(10 * time.Minute) // an hour after the session began
		if e, ok := last[pppoe.Ended](&l.serverEvents); !ok || e.Reason.Cause != session.CauseExpired {
			t.Errorf("the session timeout is not kept: %v, %v", ok, e.Reason)
		}
		l.stop()
		if n := len(store.sessions); n != 0 {
			t.Errorf("%d records are left", n)
		}
	})
}
