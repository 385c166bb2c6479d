package pppoe_test

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// echoWatch notes the Echo-Requests of clients that the server has not answered.
type echoWatch struct {
	mu         sync.Mutex
	requests   int
	unanswered map[[2]wire.Addr]map[byte]bool // of client and server, by identifier
}

func newEchoWatch() *echoWatch {
	return &echoWatch{unanswered: make(map[[2]wire.Addr]map[byte]bool)}
}

// watch is that of an ethertest.Config.
func (w *echoWatch) watch(frame []byte) {
	const request, reply = 9, 10
	to, from := wire.Addr(frame[:6]), wire.Addr(frame[6:12])
	if len(frame) < 24 || frame[12] != 0x88 || frame[13] != 0x64 || frame[20] != 0xc0 || frame[21] != 0x21 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	switch code, id := frame[22], frame[23]; {
	case code == request && to == serverAddr:
		w.requests++
		if w.unanswered[[2]wire.Addr{from, to}] == nil {
			w.unanswered[[2]wire.Addr{from, to}] = make(map[byte]bool)
		}
		w.unanswered[[2]wire.Addr{from, to}][id] = true
	case code == reply && from == serverAddr:
		delete(w.unanswered[[2]wire.Addr{to, from}], id)
	}
}

// check checks that all of at least so many requests have an answer.
func (w *echoWatch) check(t *testing.T, what string, least int) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, of := range w.unanswered {
		n += len(of)
	}
	if n > 0 || w.requests < least {
		t.Errorf("%s: %d of %d Echo-Requests have no answer, want none of at least %d", what, n, w.requests, least)
	}
}

// TestPassOn: a suspended server passes control frames that have arrived meanwhile, and those that still do, to its
// successor, which reads no port as long: each Echo-Request is answered, and a client that dials gets in.
func TestPassOn(t *testing.T) {
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			echoes := newEchoWatch()
			l := newLab(t, ethertest.Config{Watch: echoes.watch})
			store := &memoryStore{}
			l.server.Store, l.server.Pool.Max = store, 16
			if shared {
				l.server.Shared = &pppoe.SharedNetwork{}
				l.renewNetwork()
			}
			first := l.startServer()
			firstStops := l.stopServer
			var clients []*subscriber
			for i := range byte(5) {
				clients = append(clients, newSubscriber(i+1))
				clients[i].start(l, true)
			}
			time.Sleep(time.Minute)
			first.Suspend()
			late := newSubscriber(9)
			late.start(l, true)
			time.Sleep(8 * time.Second)

			closeNetwork := l.networkCloser()
			l.renewNetwork()
			l.server.Delayed = true
			second, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
			if err != nil {
				t.Fatal(err)
			}
			if report := second.Adopt(maps.Values(store.sessions())); report.Adopted != 5 {
				t.Fatalf("%+v", report)
			}
			l.runServer(second)
			if second.Receive("elsewhere", nil) {
				t.Error("a frame of another listener is received")
			}
			if err := first.PassOn(func(listener string, frame []byte) { second.Receive(listener, frame) }); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			echoes.check(t, "held", 60)
			time.Sleep(8*time.Second + time.Second/2)
			echoes.check(t, "passed on", 70)
			l.check(second, "before the ports are read", append(clients, late)...)

			second.ReadPorts()
			if err := first.Leave(); err != nil {
				t.Fatal(err)
			}
			closeNetwork()
			firstStops()
			time.Sleep(time.Minute + time.Second/2)
			echoes.check(t, "by itself", 120)
			for _, c := range append(clients, late) {
				if count[pppoe.Ended](&c.events) != 0 {
					t.Error("a session has ended")
				}
				c.stop()
			}
			time.Sleep(time.Minute)
			l.stopServer()
			l.running.Wait()
			l.networkCloser()()
		})
	}
}

// networkCloser returns what closes the devices of the server of now, as its process would by ending.
func (l *lab) networkCloser() func() {
	host, shared := l.serverHost, l.server.Shared
	return func() {
		for _, d := range host.devices {
			d.Close()
		}
		if shared != nil {
			shared.Device.Close()
		}
	}
}

// TestHeldFrames: a server that goes on after a suspension handles what has arrived meanwhile.
func TestHeldFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		echoes := newEchoWatch()
		l := newLab(t, ethertest.Config{Watch: echoes.watch})
		l.server.Store = &memoryStore{}
		s := l.startServer()
		c, late := newSubscriber(1), newSubscriber(2)
		c.start(l, true)
		time.Sleep(time.Minute)
		s.Suspend()
		late.start(l, true)
		time.Sleep(8 * time.Second)
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		echoes.check(t, "held", 12)
		time.Sleep(5 * time.Second)
		l.check(s, "resumed", c, late)
		c.stop()
		late.stop()
		time.Sleep(time.Minute)
		l.stopServer()
		l.running.Wait()
	})
}
