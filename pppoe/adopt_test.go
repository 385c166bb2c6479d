package pppoe_test

import (
	"bytes"
	"context"
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
	"upppoe/tun/tuntest"
)

// memoryStore is a SessionStore in memory. It keeps what was written in order, so that the last of it can
// be lost.
type memoryStore struct {
	mu      sync.Mutex
	writes  []write
	stopped bool // nothing is written any more
}

type write struct {
	generation uint64
	session    []byte
	counters   []byte
	deleted    bool
}

func (m *memoryStore) write(w write) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.stopped {
		m.writes = append(m.writes, w)
	}
}

func (m *memoryStore) PutSession(generation uint64, record []byte) {
	m.write(write{generation: generation, session: bytes.Clone(record)})
}

func (m *memoryStore) PutCounters(generation uint64, record []byte) {
	m.write(write{generation: generation, counters: bytes.Clone(record)})
}

func (m *memoryStore) DeleteSession(generation uint64) {
	m.write(write{generation: generation, deleted: true})
}

// stop has nothing written from now on; start the opposite. The last writes are lost.
func (m *memoryStore) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped = true
}

func (m *memoryStore) start(lost int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stopped, m.writes = false, m.writes[:max(0, len(m.writes)-lost)]
}

// sessions returns what the store has.
func (m *memoryStore) sessions() map[uint64]pppoe.StoredSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make(map[uint64]pppoe.StoredSession)
	for _, w := range m.writes {
		s := all[w.generation]
		s.Generation = w.generation
		if w.deleted {
			delete(all, w.generation)
			continue
		}
		if w.session != nil {
			s.Session = w.session
		}
		if w.counters != nil {
			s.Counters = w.counters
		}
		all[w.generation] = s
	}
	return all
}

// records returns the records of the store, by generation.
func (m *memoryStore) records(t *testing.T) []pppoe.SessionRecord {
	t.Helper()
	var all []pppoe.SessionRecord
	for _, s := range m.sessions() {
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
	l.server.Store.(*memoryStore).stop()
	pppoe.Crash(s)
	synctest.Wait()
	l.serverHost.mu.Lock()
	defer l.serverHost.mu.Unlock()
	for name, d := range l.serverHost.devices {
		d.Close()
		delete(l.serverHost.now, name)
	}
	if shared := l.server.Shared; shared != nil {
		shared.Device.Close()
	}
}

// restart makes a server from what the store has, without the last writes, and runs it.
func (l *lab) restart(lost int) (*pppoe.Server, pppoe.AdoptReport) {
	l.t.Helper()
	l.renewNetwork()
	return l.restartAt(l.segment.Ports(serverAddr), lost)
}

// restartAt is restart with ports, and the network that the server has.
func (l *lab) restartAt(ports pppoe.Ports, lost int) (*pppoe.Server, pppoe.AdoptReport) {
	l.t.Helper()
	store := l.server.Store.(*memoryStore)
	store.start(lost)
	s, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: ports}})
	if err != nil {
		l.t.Fatal(err)
	}
	report := s.Adopt(maps.Values(store.sessions()))
	l.runServer(s)
	synctest.Wait()
	return s, report
}

func (l *lab) runServer(s *pppoe.Server) {
	ctx, stop := context.WithCancel(context.Background())
	l.stopServer = stop
	l.running.Go(func() {
		if err := s.Run(ctx); err != nil {
			l.t.Errorf("server ended with %v", err)
		}
	})
}

// renewNetwork makes a network for a new server.
func (l *lab) renewNetwork() {
	l.serverHost = newHost("new")
	l.serverEvents = eventLog{}
	l.server.Network = l.serverHost
	if l.server.Shared != nil {
		l.server.Network, l.server.Shared = nil, &pppoe.SharedNetwork{Device: datapath.NewSharedDevice(datapath.SharedConfig{Device: tuntest.New("pppoe0")})}
	}
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
		second, report := l.restart(0)
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
		if n := len(store.sessions()); n != 0 {
			t.Errorf("%d records are left", n)
		}
	})
}
