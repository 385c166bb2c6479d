package pppoe_test

import (
	"context"
	"fmt"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// Which concentrators are there? The first answer ends the probe; without the cancel, Probe
// collects offers until ClientConfig.Timeout.
func ExampleProbe() {
	segment := ethertest.New(ethertest.Config{})
	server := concentrator(segment.Ports(wire.Addr{2, 0, 0x5e, 0, 0x53, 1}))
	serving, stopServer := context.WithCancel(context.Background())
	stopped := make(chan error)
	go func() { stopped <- server.Run(serving) }()

	probing, enough := context.WithCancel(context.Background())
	port := segment.Port(wire.Addr{2, 0, 0x5e, 0, 0x53, 2}, wire.EtherTypeDiscovery)
	_, err := pppoe.Probe(probing, port, discovery.ClientConfig{}, func(o discovery.Offer, _ time.Duration) {
		fmt.Println(o.AC, wire.Escape(o.Name()))
		enough()
	})
	fmt.Println(err)

	stopServer()
	fmt.Println(<-stopped)
	// Output:
	// 02:00:5e:00:53:01 isp
	// <nil>
	// <nil>
}
