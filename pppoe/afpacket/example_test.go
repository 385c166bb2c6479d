package afpacket_test

import (
	"fmt"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
)

// The OpenPorts function of a pppoe.Client on a VLAN of eth0. It takes CAP_NET_RAW.
func ExampleOpenPorts() {
	tags, err := vlan.Parse("50")
	if err != nil {
		fmt.Println(err)
		return
	}
	openPorts := func() (pppoe.Ports, error) {
		return afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0", VLAN: tags})
	}
	fmt.Println(openPorts())
}
