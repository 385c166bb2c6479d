package main

import (
	"context"
	"net/netip"
	"os"
	"testing"

	"upppoe/chap"
	"upppoe/internal/load"
	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/ipv6cp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// withoutDevices is a host network whose devices exist in memory only.
type withoutDevices struct{}

func (withoutDevices) Open(pppoe.SessionInfo) (tun.Device, error) {
	return &idleDevice{make(chan struct{})}, nil
}
func (withoutDevices) Configure(pppoe.SessionInfo, pppoe.Addressing, pppoe.Addressing) error {
	return nil
}
func (withoutDevices) Close(pppoe.SessionInfo, pppoe.Addressing) {}

// idleDevice is a network device without packets.
type idleDevice struct{ closed chan struct{} }

func (d *idleDevice) Read([][]byte, []int, int) (int, error) {
	<-d.closed
	return 0, os.ErrClosed
}
func (*idleDevice) Write(packets [][]byte, _ int) (int, error) { return len(packets), nil }
func (*idleDevice) Name() string                               { return "ppp" }
func (*idleDevice) BatchSize() int                             { return 1 }
func (d *idleDevice) Close() error                             { close(d.closed); return nil }

// oneSecret authenticates everyone who knows the secret.
type oneSecret struct{}

func (oneSecret) Authenticate(_ context.Context, _ pppoe.SessionInfo, r ppp.AuthResponse) pppoe.AuthResult {
	_, ok := r.Verify([]byte("secret"))
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: ok}}
}

// BenchmarkSetUp opens 10,000 sessions with CHAP, IPCP and IPv6CP over a veth pair, with a server
// in the same process that has no network devices: the cost of PPPoE and PPP at both ends.
//
//	go test ./test/load -run '^$' -bench SetUp -benchtime 1x
func BenchmarkSetUp(b *testing.B) {
	roottest.Need(b)
	o, err := parseOptions([]string{"--self", "-n", "10000"})
	if err != nil {
		b.Fatal(err)
	}
	clients, _, _, stop := serveWithoutDevices(b)
	b.ResetTimer()
	for range b.N {
		setUpAll(b, o, clients)
	}
	b.StopTimer()
	stop()
}

// serveWithoutDevices runs a server in this process, at the other end of the clients' veth pair. stop ends
// it.
func serveWithoutDevices(b *testing.B) (clients *lab.Namespace, server *pppoe.Server, cfg pppoe.ServerConfig, stop func()) {
	clients, servers := labtest.Namespace(b), labtest.Namespace(b)
	if err := lab.Veth(lab.End{In: clients, Name: clientEnd}, lab.End{In: servers, Name: serverEnd, MAC: serverMAC}); err != nil {
		b.Fatal(err)
	}
	ports := pppoe.Ports{}
	err := servers.Do(func() (err error) {
		ports, err = afpacket.OpenPorts(afpacket.Attachment{Interface: serverEnd})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	cfg = pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "ac"},
		Session:      session.Config{Name: "ac", IPv4: &ipcp.Config{Local: netip.MustParseAddr("10.0.0.1")}, IPv6: &ipv6cp.Config{}},
		Pool:         pppoe.Pool{Max: 65534, First: netip.MustParseAddr("10.1.0.0")},
		Network:      withoutDevices{}, Authenticator: oneSecret{},
	}
	cfg.Session.LCP.RequireAuth = []ppp.Method{chap.MD5}
	if server, err = pppoe.NewServer(cfg, []pppoe.Listener{{Interface: serverEnd, Ports: ports}}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	return clients, server, cfg, func() { cancel(); <-ended }
}

func setUpAll(b *testing.B, o *options, clients *lab.Namespace) {
	var ports load.Ports
	err := clients.Do(func() (err error) {
		ports, err = o.OpenPorts(clientEnd)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	g, err := load.New(&o.Config, ports)
	if err != nil {
		b.Fatal(err)
	}
	g.Unanswered = true
	before := ownCPU()
	r, err := g.Run(context.Background())
	if err != nil || r.SetUp != o.Sessions {
		b.Fatalf("%v: %s", err, r.Text())
	}
	b.ReportMetric(r.SetUpsPerSecond, "setups/s")
	b.ReportMetric(float64(r.SetUp)/(ownCPU()-before).Seconds(), "sessions/cpu-s")
	b.ReportMetric(float64(r.SetUp)/r.CloseSeconds, "closes/s")
}
