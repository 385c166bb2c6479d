package pppoe_test

import (
	"context"
	"fmt"
	"log"
	"net/netip"

	"upppoe/chap"
	"upppoe/ipcp"
	"upppoe/lcp"
	"upppoe/ppp"
	"upppoe/ppp/pap"
	"upppoe/ppp/session"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/discovery"
	"upppoe/tun"
)

// tunnels is a Host that makes TUN devices, and says how they are to be configured in place of
// doing it.
type tunnels struct{}

func (tunnels) Open(pppoe.SessionInfo) (tun.Device, error) { return tun.Open(tun.Config{}) }

func (tunnels) Configure(l pppoe.SessionInfo, _, want pppoe.Addressing) error {
	fmt.Printf("ip addr replace %v peer %v dev %s\n", want.IPv4.Local, want.IPv4.Remote, l.Device)
	return nil
}

func (tunnels) Close(pppoe.SessionInfo, pppoe.Addressing) {}

// The first dial, on eth0. It takes CAP_NET_RAW and CAP_NET_ADMIN.
func Example() {
	password := func(peer string) ([]byte, bool) { return []byte("her password"), true }
	client, err := pppoe.NewClient(pppoe.ClientConfig{
		Listen: func() (pppoe.Ports, error) { return afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0"}) },
		Session: session.Config{
			LCP:         lcp.Config{AllowAuth: []ppp.Method{chap.MD5, pap.Method}},
			Credentials: ppp.Credentials{Name: "alice", Secret: password},
			IPv4:        &ipcp.Config{},
		},
		Network: tunnels{},
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(client.Run(context.Background()))
}

// The first server, on eth1: whoever dials gets an address.
func Example_server() {
	ports, err := afpacket.OpenPorts(afpacket.Attachment{Interface: "eth1"})
	if err != nil {
		log.Fatal(err)
	}
	server, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "isp"},
		Session:      session.Config{IPv4: &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1")}},
		Pool:         pppoe.Pool{First: netip.MustParseAddr("192.0.2.10")},
		Network:      tunnels{},
	}, []pppoe.Listener{{Interface: "eth1", Ports: ports}})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.Run(context.Background()))
}
