package pppoe_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/ppp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
	"upppoe/tun"
	"upppoe/tun/tuntest"
)

// noNetwork is a HostNetwork whose devices are in memory, and which configures no addresses.
// Package linux has one for a Linux machine.
type noNetwork struct{}

func (noNetwork) Open(pppoe.SessionInfo) (tun.Device, error) { return tuntest.New("ppp0"), nil }

func (noNetwork) Configure(_ pppoe.SessionInfo, _, _ pppoe.Addressing) error { return nil }

func (noNetwork) Close(pppoe.SessionInfo, pppoe.Addressing) {}

// singleUser is an Authenticator that knows one name and its password.
type singleUser struct{ name, password string }

func (f singleUser) Authenticate(_ context.Context, _ pppoe.SessionInfo, p ppp.AuthResponse) pppoe.AuthResult {
	message, ok := p.Verify([]byte(f.password))
	return pppoe.AuthResult{AuthResult: ppp.AuthResult{Accepted: ok && p.User() == f.name, Message: message}}
}

// concentrator returns a Server that requires CHAP.
func concentrator(ports pppoe.Ports) *pppoe.Server {
	cfg := pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "isp"},
		Session: session.Config{
			Name: "isp",
			IPv4: &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1")},
		},
		Pool:          pppoe.Pool{First: netip.MustParseAddr("192.0.2.10")},
		Authenticator: singleUser{"alice", "her password"},
		Network:       noNetwork{},
	}
	cfg.Session.LCP.RequireAuth = []ppp.Method{chap.MD5}
	server, err := pppoe.NewServer(cfg, []pppoe.Listener{{Interface: "eth1", Ports: ports}})
	if err != nil {
		panic(err)
	}
	return server
}

// A client dials a server over a segment in memory, and hangs up once it has an address. On a Linux
// machine, Listen opens ports of package pppoe/linux.
func ExampleClient() {
	segment := ethertest.New(ethertest.Config{})
	server := concentrator(segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 1}))
	serving, stopServer := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { server.Run(serving) })

	dialling, hangUp := context.WithCancel(context.Background())
	cfg := pppoe.ClientConfig{
		Interface: "eth0",
		OpenPorts: func() (pppoe.Ports, error) {
			return segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 2}), nil
		},
		Session: session.Config{
			Credentials: ppp.Credentials{
				Name:   "alice",
				Secret: func(string) ([]byte, bool) { return []byte("her password"), true },
			},
			IPv4: &ipcp.Config{},
		},
		Network: noNetwork{},
		Notify: func(l pppoe.SessionInfo, e pppoe.Event) {
			switch e := e.(type) {
			case pppoe.SessionEstablished:
				fmt.Printf("session %d of %s\n", e.SessionID, wire.Escape(e.ACName))
			case session.Authenticated:
				fmt.Println("authenticated by", e.Method.Name())
			case pppoe.Configured:
				fmt.Println(l.Device, "has", e.IPv4.Local, "and its peer", e.IPv4.Remote)
				hangUp()
			}
		},
	}
	cfg.Session.LCP.AllowAuth = []ppp.Method{chap.MD5}
	client, err := pppoe.NewClient(cfg)
	if err != nil {
		panic(err)
	}
	fmt.Println(client.Run(dialling))

	stopServer()
	running.Wait()
	// Output:
	// session 1 of isp
	// authenticated by CHAP
	// ppp0 has 192.0.2.10 and its peer 192.0.2.1
	// session ended: user-request
}
