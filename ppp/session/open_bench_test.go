package session_test

import (
	"net/netip"
	"runtime"
	"testing"
	"time"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
)

// benchPair is a server session and the client that opens it, as in a concentrator: CHAP with
// MD5, IPCP with name servers, IPv6CP, an Echo-Request every 30 s.
type benchPair struct {
	client, server       *session.Session
	fromClient, toClient *session.Output
	now                  time.Time
}

func benchConfigs() (client, server *session.Config) {
	dns := [2]netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("192.0.2.54")}
	server = &session.Config{
		Name:         "ac",
		ChallengeKey: []byte("0123456789abcdef"),
		LCP: lcp.Config{
			RequireAuth: []ppp.Method{chap.MD5}, Echo: lcp.Echo{Interval: 30 * time.Second, Failures: 3},
		},
		IPv4:         &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1"), DNS: dns},
		IPv6:         &ipv6cp.Config{},
		SetupTimeout: time.Minute,
	}
	client = &session.Config{
		LCP:         lcp.Config{AllowAuth: []ppp.Method{chap.MD5}},
		Credentials: ppp.Credentials{Name: "testuser", Secret: func(string) ([]byte, bool) { return benchSecret, true }},
		IPv4:        &ipcp.Config{RequestDNS: true},
		IPv6:        &ipv6cp.Config{},
	}
	return client, server
}

var benchSecret = []byte("testpassword")

func (p *benchPair) open() {
	p.server.Up(p.now, p.toClient)
	p.client.Up(p.now, p.fromClient)
	p.exchange()
}

// exchange delivers frames until there are none, and accepts every response.
func (p *benchPair) exchange() {
	for p.fromClient.Frames.Len()+p.toClient.Frames.Len() > 0 {
		for frame := range p.fromClient.Frames.All() {
			p.server.Receive(p.now, frame, p.toClient)
		}
		p.fromClient.Reset()
		p.authenticate()
		for frame := range p.toClient.Frames.All() {
			p.client.Receive(p.now, frame, p.fromClient)
		}
		p.toClient.Reset()
	}
}

func (p *benchPair) authenticate() {
	for _, e := range p.toClient.All() {
		if r, ok := e.(session.AuthRequest); ok {
			_, accepted := r.Response.Verify(benchSecret)
			p.server.SetAuthResult(p.now, ppp.AuthResult{Accepted: accepted, Address: netip.AddrFrom4([4]byte{192, 0, 2, 10})}, p.toClient)
			return
		}
	}
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkOpenSession opens sessions, and reports the live heap of one that is in its network
// phase, without its peer and its Output. Time and allocations are those of both sides.
func BenchmarkOpenSession(b *testing.B) {
	clientCfg, serverCfg := benchConfigs()
	p := benchPair{fromClient: &session.Output{}, toClient: &session.Output{}, now: epoch}
	b.ReportAllocs()
	const held = 20_000
	kept := make([]*session.Session, 0, held)
	b.StopTimer()
	before := heapInUse()
	b.StartTimer()
	for b.Loop() {
		p.client, p.server = session.New(clientCfg, session.Peer{}), session.New(serverCfg, session.Peer{})
		p.open()
		if p.server.Phase() != session.PhaseNetwork {
			b.Fatal("session is not open:", p.server.Phase())
		}
	}
	b.StopTimer()
	for len(kept) < held {
		p.client, p.server = session.New(clientCfg, session.Peer{}), session.New(serverCfg, session.Peer{})
		p.open()
		kept = append(kept, p.server)
	}
	p.client, p.server = nil, nil
	b.ReportMetric(float64(heapInUse()-before)/held, "B/session")
	runtime.KeepAlive(kept)
}

func newBenchPair() *benchPair {
	clientCfg, serverCfg := benchConfigs()
	p := &benchPair{fromClient: &session.Output{}, toClient: &session.Output{}, now: epoch}
	p.client, p.server = session.New(clientCfg, session.Peer{}), session.New(serverCfg, session.Peer{})
	p.open()
	return p
}

// echo lets the server's echo timer expire, and delivers the request and its answer.
func (p *benchPair) echo() {
	p.now = p.server.Deadline()
	p.server.Advance(p.now, p.toClient)
	p.exchange()
}

// TestEchoAllocations: neither side of an echo allocates.
func TestEchoAllocations(t *testing.T) {
	p := newBenchPair()
	begin := p.now
	if n := testing.AllocsPerRun(100, p.echo); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
	if took := p.now.Sub(begin); took != 101*30*time.Second || p.server.Phase() != session.PhaseNetwork {
		t.Errorf("after %v: %v; want 101 echoes, one every 30 s", took, p.server.Phase())
	}
}

// BenchmarkEcho is one echo of an open session, both sides.
func BenchmarkEcho(b *testing.B) {
	p := newBenchPair()
	b.ReportAllocs()
	for b.Loop() {
		p.echo()
	}
}
