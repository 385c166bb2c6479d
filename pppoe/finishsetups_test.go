package pppoe_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// slowAccounts are accounts whose answers take a time, as of a RADIUS server that is busy.
type slowAccounts struct {
	accounts
	delay time.Duration
}

func (a slowAccounts) Authenticate(ctx context.Context, s pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	time.Sleep(a.delay)
	return a.accounts.Authenticate(ctx, s, r)
}

// handOver replaces a suspended server by another one, as an upgrade does.
func (l *lab) handOver(first *pppoe.Server) (second *pppoe.Server, report pppoe.AdoptReport) {
	l.t.Helper()
	closeNetwork, firstStops := l.networkCloser(), l.stopServer
	l.renewNetwork()
	second, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
	if err != nil {
		l.t.Fatal(err)
	}
	report = second.Adopt(maps.Values(l.server.Store.(*memoryStore).sessions()))
	l.runServer(second)
	if err := first.PassOn(func(listener string, frame []byte) { second.Receive(listener, frame) }); err != nil {
		l.t.Fatal(err)
	}
	synctest.Wait()
	if err := first.Leave(); err != nil {
		l.t.Fatal(err)
	}
	closeNetwork()
	firstStops()
	return second, report
}

// TestFinishSetups: before a server is suspended, a client that is logging in gets its session, which the successor
// adopts; if its login takes too long, it is sent a PADT. A client that dials meanwhile has its PADI or PADR
// answered by the successor.
func TestFinishSetups(t *testing.T) {
	const limit = 4 * time.Second
	for name, c := range map[string]struct {
		login, padoDelay time.Duration
		took             time.Duration // FinishSetups, at least
		ended            int           // sessions of the client
	}{
		"a login":             {login: 2 * time.Second, took: 1500 * time.Millisecond},
		"a login, too long":   {login: 10 * time.Second, took: limit, ended: 1},
		"a delayed PADO":      {padoDelay: 900 * time.Millisecond, took: 500 * time.Millisecond},
		"nothing is finished": {login: time.Hour, took: limit, ended: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &dialWatch{}
				l := newLab(t, ethertest.Config{Watch: w.watch})
				l.server.Store, l.server.Concentrator.CookieKey = &memoryStore{}, make([]byte, discovery.CookieKeyLen)
				l.server.Authenticator = slowAccounts{l.server.Authenticator.(accounts), c.login}
				if c.padoDelay > 0 {
					l.server.Access.PADODelay = discovery.PADODelay{{Delay: c.padoDelay}}
				}
				first := l.startServer()
				client, late := newSubscriber(1), newSubscriber(2)
				client.start(l, false)
				time.Sleep(300 * time.Millisecond)

				ctx, cancel := context.WithTimeout(context.Background(), limit)
				defer cancel()
				begin := time.Now()
				time.AfterFunc(100*time.Millisecond, func() { late.start(l, false) })
				first.FinishSetups(ctx)
				if took := time.Since(begin); took < c.took || took > limit {
					t.Errorf("it has taken %v, want %v", took, c.took)
				}
				time.Sleep(200 * time.Millisecond) // the late client's PADI waits
				if _, _, ok := late.session(); ok {
					t.Error("a session has begun")
				}
				first.Suspend()
				l.server.Authenticator = accounts{"testuser": "testpassword"}
				second, report := l.handOver(first)
				if len(report.NotAdopted) != c.ended {
					t.Errorf("%+v", report)
				}
				time.Sleep(20 * time.Second) // a client takes a PADT during its login for a rejection, and waits
				l.check(second, "after the upgrade", client, late)
				if count[pppoe.Ended](&client.events) != c.ended || w.padis != 2+c.ended {
					t.Errorf("%d sessions of the client have ended; %d PADIs", count[pppoe.Ended](&client.events), w.padis)
				}
				client.stop()
				late.stop()
				time.Sleep(2 * time.Hour)
				l.stopServer()
				l.running.Wait()
				l.networkCloser()()
			})
		})
	}
}

// TestResumeAfterFinishSetups: a server that is not suspended goes on, and answers what has waited.
func TestResumeAfterFinishSetups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		padis := 0
		l := newLab(t, ethertest.Config{Watch: func(frame []byte) {
			if frame[13] == 0x63 && wire.Code(frame[15]) == wire.PADI {
				padis++
			}
		}})
		l.server.Store = &memoryStore{}
		s := l.startServer()
		synctest.Wait() // Run has begun
		s.FinishSetups(t.Context())
		c := newSubscriber(1)
		c.start(l, false)
		time.Sleep(time.Second / 2)
		if stats := s.Stats(); stats.Sessions != 0 {
			t.Errorf("%+v", stats)
		}
		for _, want := range []error{nil, pppoe.ErrNotSuspended} {
			if err := s.Resume(); !errors.Is(err, want) {
				t.Errorf("Resume returns %v", err)
			}
		}
		time.Sleep(time.Second / 10)
		l.check(s, "resumed", c)
		if padis != 1 {
			t.Errorf("%d PADIs", padis)
		}
		c.stop()
		time.Sleep(time.Minute)
		l.stopServer()
		l.running.Wait()
	})
}
