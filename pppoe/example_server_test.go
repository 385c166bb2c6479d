package pppoe_test

import (
	"context"
	"fmt"
	"net/netip"

	"upppoe/ipcp"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// A server assigns the first address of its pool to any client, without authentication, which would
// need Session.LCP.RequireAuth and an Authenticator.
func ExampleServer() {
	segment := ethertest.New(ethertest.Config{})
	dialling, hangUp := context.WithCancel(context.Background())
	server, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "isp"},
		Session: session.Config{
			IPv4: &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1")},
		},
		Pool:    pppoe.Pool{Max: 16, First: netip.MustParseAddr("192.0.2.10")},
		Network: noNetwork{},
		Notify: func(l pppoe.SessionInfo, e pppoe.Event) {
			switch e := e.(type) {
			case pppoe.SessionEstablished:
				fmt.Println(l.Peer, "has session", l.SessionID)
			case pppoe.Configured:
				fmt.Println("its address is", e.IPv4.Remote)
				hangUp()
			case pppoe.Ended:
				fmt.Println("it ended:", e.Reason.Cause)
			}
		},
	}, []pppoe.Listener{{
		Interface: "eth1",
		Ports:     segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 1}),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	serving, stop := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- server.Run(serving) }()

	client, err := pppoe.NewClient(pppoe.ClientConfig{
		OpenPorts: func() (pppoe.Ports, error) {
			return segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 2}), nil
		},
		Session: session.Config{IPv4: &ipcp.Config{}},
		Network: noNetwork{},
	})
	if err != nil {
		panic(err)
	}
	client.Run(dialling)

	stop()
	fmt.Println(<-stopped)
	// Output:
	// 02:00:5e:00:53:02 has session 1
	// its address is 192.0.2.10
	// it ended: peer-terminated
	// <nil>
}
