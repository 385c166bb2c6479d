package pppoe_test

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// dialWatch counts the PADIs of clients, and tells when the server first sends a frame of a kind.
type dialWatch struct {
	mu    sync.Mutex
	padis int
	is    func(frame []byte) bool // reports whether a frame of the server is of the kind
	sent  chan struct{}           // closed then
}

func (w *dialWatch) watch(frame []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case frame[13] == 0x63 && wire.Code(frame[15]) == wire.PADI:
		w.padis++
	case wire.Addr(frame[6:12]) == serverAddr && w.is != nil && w.is(frame):
		w.is = nil
		close(w.sent)
	}
}

// TestUpgradeWhileDialling: a client that is between PADO and PADR at an upgrade gets its session from the successor,
// which accepts the cookie of its predecessor. A client whose session is being negotiated is sent a PADT, and begins
// anew.
func TestUpgradeWhileDialling(t *testing.T) {
	isPADO := func(frame []byte) bool { return frame[13] == 0x63 && wire.Code(frame[15]) == wire.PADO }
	isSession := func(frame []byte) bool { return frame[13] == 0x64 }
	key := make([]byte, discovery.CookieKeyLen)
	for name, c := range map[string]struct {
		at      func(frame []byte) bool
		key     []byte
		padis   int  // of the client until it is online
		dropped bool // a PADR, because of its cookie
		ended   int  // sessions of the client
	}{
		"between PADO and PADR":          {at: isPADO, key: key, padis: 1},
		"with another key":               {at: isPADO, padis: 2, dropped: true},
		"while a session is negotiated":  {at: isSession, key: key, padis: 2, ended: 1},
		"the same, but with another key": {at: isSession, padis: 2, ended: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &dialWatch{is: c.at, sent: make(chan struct{})}
				l := newLab(t, ethertest.Config{Watch: w.watch, Delay: 100 * time.Millisecond})
				store := &memoryStore{}
				l.server.Store, l.server.Concentrator.CookieKey = store, c.key
				first := l.startServer()
				firstStops := l.stopServer
				client := newSubscriber(1)
				client.start(l, false)
				<-w.sent
				first.Suspend()
				time.Sleep(time.Second) // what the client sends then waits in the first

				closeNetwork := l.networkCloser()
				l.renewNetwork()
				second, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
				if err != nil {
					t.Fatal(err)
				}
				report := second.Adopt(maps.Values(store.sessions()))
				if len(report.NotAdopted) != c.ended {
					t.Errorf("%+v", report)
				}
				l.runServer(second)
				if err := first.PassOn(func(listener string, frame []byte) { second.Receive(listener, frame) }); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if err := first.Leave(); err != nil {
					t.Fatal(err)
				}
				closeNetwork()
				firstStops()
				time.Sleep(time.Minute)
				l.check(second, "after the upgrade", client)
				if dropped := second.Drops()[discovery.ErrCookie] > 0; w.padis != c.padis || dropped != c.dropped || count[pppoe.Ended](&client.events) != c.ended {
					t.Errorf("%d PADIs, a PADR was dropped: %v, %d sessions have ended; want %+v", w.padis, dropped, count[pppoe.Ended](&client.events), c)
				}
				client.stop()
				time.Sleep(time.Minute)
				l.stopServer()
				l.running.Wait()
				l.networkCloser()()
			})
		})
	}
}
