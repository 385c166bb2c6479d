package pppoe_test

import (
	"context"
	"encoding/binary"
	"maps"
	"net/netip"
	"testing"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun/tuntest"
)

// BenchmarkAdopt adopts 20,000 sessions of a server with a shared device, which has not begun to run, and
// reports the time of one.
func BenchmarkAdopt(b *testing.B) {
	const n = 20_000
	stored := storedSessions(b, n)
	for b.Loop() {
		device := datapath.NewSharedDevice(datapath.SharedConfig{Device: tuntest.New("pppoe0")})
		cfg := adoptBenchConfig(n)
		cfg.Shared = &pppoe.SharedNetwork{Device: device}
		cfg.Store = &memoryStore{}
		s, err := pppoe.NewServer(cfg, []pppoe.Listener{{Interface: "s", Ports: ethertest.New(ethertest.Config{}).Ports(serverAddr)}})
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		report := s.Adopt(maps.Values(stored))
		took := time.Since(began)
		if report.Adopted != n {
			b.Fatalf("%d adopted, first %+v", report.Adopted, report.NotAdopted[0])
		}
		b.ReportMetric(float64(took.Milliseconds()), "ms/20000")
		b.ReportMetric(float64(took.Nanoseconds())/n, "ns/session")
		device.Close()
	}
}

func adoptBenchConfig(n int) pppoe.ServerConfig {
	l := newLab(&testing.T{}, ethertest.Config{})
	cfg := l.server
	cfg.Network, cfg.Notify, cfg.Authenticator, cfg.Session.LCP.RequireAuth = nil, nil, nil, nil
	cfg.Pool = pppoe.Pool{Max: n, First: netip.MustParseAddr("10.0.0.1")}
	cfg.Concentrator = discovery.ConcentratorConfig{ACName: "ac"}
	return cfg
}

// storedSessions makes records of a number of sessions from that of one, which was negotiated.
func storedSessions(b testing.TB, n int) map[uint64]pppoe.StoredSession {
	l := newLab(&testing.T{}, ethertest.Config{})
	l.server = adoptBenchConfig(1)
	store := &memoryStore{}
	device := datapath.NewSharedDevice(datapath.SharedConfig{Device: tuntest.New("pppoe0")})
	defer device.Close()
	l.server.Shared, l.server.Store = &pppoe.SharedNetwork{Device: device}, store
	l.client.Session = session.Config{IPv4: l.client.Session.IPv4, IPv6: l.client.Session.IPv6}
	s, err := pppoe.NewServer(l.server, []pppoe.Listener{{Interface: "s", Ports: l.segment.Ports(serverAddr)}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go s.Run(ctx)
	l.startClient()
	var one pppoe.SessionRecord
	for deadline := time.Now().Add(10 * time.Second); !one.Open; {
		for _, stored := range store.sessions() {
			one, _ = pppoe.ParseSessionRecord(stored.Session)
		}
		if time.Now().After(deadline) {
			b.Fatal("no session")
		}
		time.Sleep(time.Millisecond)
	}
	pppoe.Crash(s)
	l.stopClient()
	all := make(map[uint64]pppoe.StoredSession)
	for i := range n {
		r := one
		r.Generation, r.Unit, r.SessionID, r.IPv4.Remote = uint64(i+1), i, uint16(i+1), l.server.Pool.Address(i)
		binary.BigEndian.PutUint64(r.RequestKey[:], uint64(i+1))
		r.Peer = wire.Addr{2, 1, 0, 0, byte(i >> 8), byte(i)}
		all[r.Generation] = pppoe.StoredSession{Generation: r.Generation, Session: r.AppendTo(nil), Counters: pppoe.CounterRecord{Counters: datapath.Counters{SentPackets: 5, SentBytes: 5000}, At: time.Now()}.AppendTo(nil)}
	}
	return all
}
