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
	"upppoe/pppoe/linux"
)

// The first dial, on eth0: it gives this machine a default route through the session, and returns
// when that has ended. It requires CAP_NET_RAW and CAP_NET_ADMIN, and CAP_BPF for the kernel data
// path.
func Example() {
	ports := &linux.Opener{}
	defer ports.Close()
	network, err := linux.NewNetwork(linux.NetworkConfig{DefaultRoute: true, DNS: linux.DNSAuto})
	if err != nil {
		log.Fatal(err)
	}
	client, err := pppoe.NewClient(pppoe.ClientConfig{
		OpenPorts: func() (pppoe.Ports, error) { return ports.Open(afpacket.Attachment{Interface: "eth0"}) },
		Session: session.Config{
			LCP:         lcp.Config{AllowAuth: []ppp.Method{chap.MD5, pap.Method}},
			Credentials: ppp.Credentials{Name: "alice", Secret: func(string) ([]byte, bool) { return []byte("her password"), true }},
			IPv4:        &ipcp.Config{RequestDNS: true},
		},
		Network: network,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(client.Run(context.Background()))
}

// The first server, on eth1: it assigns an address to every client, without authentication (see
// ServerConfig.Authenticator).
func Example_server() {
	opener := &linux.Opener{}
	defer opener.Close()
	ports, err := opener.Open(afpacket.Attachment{Interface: "eth1"})
	if err != nil {
		log.Fatal(err)
	}
	network, err := linux.NewNetwork(linux.NetworkConfig{})
	if err != nil {
		log.Fatal(err)
	}
	server, err := pppoe.NewServer(pppoe.ServerConfig{
		Concentrator: discovery.ConcentratorConfig{ACName: "isp"},
		Session:      session.Config{IPv4: &ipcp.Config{Local: netip.MustParseAddr("192.0.2.1")}},
		Pool:         pppoe.Pool{First: netip.MustParseAddr("192.0.2.10")},
		Network:      network,
	}, []pppoe.Listener{{Interface: "eth1", Ports: ports}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Run(context.Background()))
}
