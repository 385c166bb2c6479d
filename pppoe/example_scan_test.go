package pppoe_test

import (
	"context"
	"fmt"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
)

// On which VLANs are concentrators? On a Linux machine, afpacket.OpenTrunk opens the port.
func ExampleScan() {
	segment := ethertest.New(ethertest.Config{})
	tags, _ := vlan.Parse("50.7")
	isp := wire.Addr{2, 0, 0x5e, 0, 0x53, 1}
	server := concentrator(pppoe.Ports{
		Discovery: segment.Tagged(isp, wire.EtherTypeDiscovery, tags),
		Session:   segment.Tagged(isp, wire.EtherTypeSession, tags),
	})
	serving, stopServer := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- server.Run(serving) }()

	list, err := vlan.ParseList("50.1-10")
	if err != nil {
		fmt.Println(err)
	}
	scanning, enough := context.WithCancel(context.Background())
	trunk := segment.Trunk(wire.Addr{2, 0, 0x5e, 0, 0x53, 2}, wire.EtherTypeDiscovery)
	cfg := pppoe.ScanConfig{Client: discovery.ClientConfig{}, VLANs: list}
	err = pppoe.Scan(scanning, trunk, cfg, func(s pppoe.ScanResult) {
		fmt.Println(s.AC, wire.Escape(s.Name()), "on VLAN", s.VLAN)
		enough()
	})
	fmt.Println(err)

	stopServer()
	fmt.Println(<-stopped)
	// Output:
	// 02:00:5e:00:53:01 isp on VLAN 50.7
	// <nil>
	// <nil>
}
