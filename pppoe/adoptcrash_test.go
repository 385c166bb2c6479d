package pppoe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// subscriber is a client of many.
type subscriber struct {
	addr   wire.Addr
	host   *host
	events eventLog
	stop   context.CancelFunc // nil: it does not run
	done   chan struct{}
}

// newSubscriber returns a client that redials, and has no Echo-Request of its own unless echo is set.
func newSubscriber(number byte) *subscriber { return &subscriber{addr: wire.Addr{2, 9, number}} }

func (c *subscriber) start(l *lab, echo bool) {
	cfg := l.client
	v4, v6 := *cfg.Session.IPv4, *cfg.Session.IPv6
	cfg.Session.IPv4, cfg.Session.IPv6 = &v4, &v6
	c.host, c.events, c.done = newHost("c"), eventLog{}, make(chan struct{})
	cfg.Network, cfg.Notify = c.host, c.events.record
	cfg.OpenPorts = func() (pppoe.Ports, error) { return l.segment.Ports(c.addr), nil }
	cfg.Redial = pppoe.Redial{Persist: true, Holdoff: time.Second, MaxFail: -1}
	if echo {
		cfg.Session.LCP.Echo = lcp.Echo{Interval: 5 * time.Second, Failures: 3}
	}
	client, err := pppoe.NewClient(cfg)
	if err != nil {
		l.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.stop = cancel
	done := c.done
	l.running.Go(func() { client.Run(ctx); close(done) })
}

// cut stops a client without a packet: its power is cut.
func (c *subscriber) cut(l *lab) {
	l.segment.Unplug(c.addr)
	c.stop()
	<-c.done
	c.stop = nil
	l.segment.Plug(c.addr)
}

// session returns the session that a client has; ok is false if it has none.
func (c *subscriber) session() (info pppoe.SessionInfo, a pppoe.Addressing, ok bool) {
	c.events.mu.Lock()
	defer c.events.mu.Unlock()
	for i, e := range c.events.events {
		switch e := e.(type) {
		case pppoe.SessionEstablished:
			info, a, ok = c.events.infos[i], pppoe.Addressing{}, true
		case pppoe.Configured:
			a = e.Addressing
		case pppoe.Ended:
			ok = false
		}
	}
	return info, a, ok
}

// check reports what is wrong between the clients that run and the server: each has one session, with the
// same addresses on both sides; the server has no other, and the store has those.
func (l *lab) check(s *pppoe.Server, what string, clients ...*subscriber) {
	l.t.Helper()
	byPeer := make(map[wire.Addr][]pppoe.SessionStatus)
	n := 0
	for is := range s.Sessions() {
		byPeer[is.Peer] = append(byPeer[is.Peer], is)
		n++
	}
	online := 0
	for _, c := range clients {
		if c.stop == nil {
			if len(byPeer[c.addr]) > 0 {
				l.t.Errorf("%s: the server has a session of %v, which is gone", what, c.addr)
			}
			continue
		}
		online++
		info, a, ok := c.session()
		switch have := byPeer[c.addr]; {
		case !ok:
			l.t.Errorf("%s: %v has no session; the server has %d", what, c.addr, len(have))
		case len(have) != 1:
			l.t.Errorf("%s: %v has session %d, the server has %d", what, c.addr, info.SessionID, len(have))
		case have[0].SessionID != info.SessionID || have[0].IPv4.Remote != a.IPv4.Local || have[0].IPv6.Remote != a.IPv6.Local || !a.HasIPv4() || !a.HasIPv6():
			l.t.Errorf("%s: %v has session %d, %+v, the server %d, %+v", what, c.addr, info.SessionID, a, have[0].SessionID, have[0].Addressing)
		}
	}
	stats := s.Stats()
	if n != online || stats.Sessions != n || stats.Online != n || stats.HalfOpen != 0 {
		l.t.Errorf("%s: %d clients, the server has %d sessions and says %+v", what, online, n, stats)
	}
	if pool := s.Pools()[0]; pool.Used != uint64(n) {
		l.t.Errorf("%s: %d addresses are used by %d sessions", what, pool.Used, n)
	}
	records := l.server.Store.(*memoryStore).records(l.t)
	if len(records) != n || slices.ContainsFunc(records, func(r pppoe.SessionRecord) bool { return !r.Open }) {
		l.t.Errorf("%s: %d sessions, records %+v", what, n, records)
	}
}

// bothNetworks calls a test with a device for each session, and with a shared one.
func bothNetworks(t *testing.T, watch func(frame []byte), do func(l *lab)) {
	for _, shared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLab(t, ethertest.Config{Watch: watch})
			l.server.Store = &memoryStore{}
			if shared {
				l.server.Shared = &pppoe.SharedNetwork{}
			}
			l.renewNetwork()
			do(l)
			l.running.Wait()
			if l.server.Shared != nil {
				l.server.Shared.Device.Close()
			}
		})
	}
}

// TestKilledAtEachFrame: a server that is killed after any frame of a set-up is followed by one that has the
// session, or tells the client at once that it is over. The client sends no Echo-Requests.
func TestKilledAtEachFrame(t *testing.T) {
	var sent, killAt atomic.Int64
	var kill func()
	watch := func([]byte) {
		if sent.Add(1) == killAt.Load() {
			kill()
		}
	}
	adopted, told := 0, 0
	for at := int64(1); at <= 26; at++ {
		bothNetworks(t, watch, func(l *lab) {
			store := l.server.Store.(*memoryStore)
			sent.Store(0)
			killAt.Store(at)
			kill = func() { l.segment.Unplug(serverAddr); store.stop() }
			first := l.startServer()
			c := newSubscriber(1)
			c.start(l, false)
			time.Sleep(2 * time.Second)
			killAt.Store(0)
			l.crash(first)
			l.segment.Plug(serverAddr)
			second, report := l.restart(0)
			adopted += report.Adopted
			told += len(report.NotAdopted)
			time.Sleep(10 * time.Second)
			if _, _, has := c.session(); has && second.Stats().Sessions == 0 {
				t.Errorf("killed at frame %d, %+v: the client has not been told that its session is over", at, report)
			}
			time.Sleep(2 * time.Minute) // a client may repeat a PADR with a cookie of the first server
			l.check(second, fmt.Sprintf("killed at frame %d, shared %v, %+v", at, l.server.Shared != nil, report), c)
			c.stop()
			time.Sleep(time.Minute)
			l.stopServer()
		})
	}
	if adopted < 8 || told < 10 {
		t.Errorf("%d sessions were adopted, %d were told: not all kinds were there", adopted, told)
	}
}

// TestRandomKills: whatever clients do, and whichever last writes are lost, after some kills each client that
// is there has one session, which the server has too.
func TestRandomKills(t *testing.T) {
	for seed := range uint64(30) {
		bothNetworks(t, nil, func(l *lab) { l.randomKills(rand.New(rand.NewPCG(seed, 3)), fmt.Sprintf("seed %d", seed)) })
	}
}

func (l *lab) randomKills(r *rand.Rand, what string) {
	l.server.Pool.Max = 16
	l.server.Session.LCP.Echo = lcp.Echo{Interval: 5 * time.Second, Failures: 3}
	l.server.Duplicates = pppoe.AllowDuplicates
	l.server.Session.IPv4 = &ipcp.Config{Local: l.server.Session.IPv4.Local}
	l.server.Session.IPv6 = &ipv6cp.Config{}
	var clients []*subscriber
	for i := range byte(5) {
		clients = append(clients, newSubscriber(i+1))
	}
	s := l.startServer()
	for range 3 {
		for range r.IntN(12) {
			l.randomStep(r, s, clients[r.IntN(len(clients))])
		}
		time.Sleep(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
		l.crash(s)
		for range r.IntN(3) {
			l.randomStep(r, nil, clients[r.IntN(len(clients))])
		}
		s, _ = l.restart(r.IntN(8) * r.IntN(2))
	}
	time.Sleep(2 * time.Minute)
	l.check(s, what, clients...)
	for _, c := range clients {
		if c.stop != nil {
			c.stop()
		}
	}
	time.Sleep(time.Minute)
	l.stopServer()
}

// randomStep is a step of a client, or of the server's, unless that is nil.
func (l *lab) randomStep(r *rand.Rand, s *pppoe.Server, c *subscriber) {
	switch {
	case c.stop == nil:
		c.start(l, true)
	case r.IntN(3) == 0:
		c.cut(l)
	case r.IntN(3) == 0 && s != nil:
		for is := range s.Sessions() {
			s.ChangePolicy(is.Key(), func(p *pppoe.SessionPolicy) { p.Up.Bits += 1e6 })
		}
	}
	time.Sleep(time.Duration(r.Int64N(int64(2 * time.Second))))
}
