package afpacket_test

import (
	"fmt"

	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/vlan"
)

// What a pppoe.Client on a VLAN of eth0 has as its Listen. It takes CAP_NET_RAW.
func ExampleOpenPorts() {
	tags, err := vlan.Parse("50")
	if err != nil {
		fmt.Println(err)
		return
	}
	listen := func() (pppoe.Ports, error) {
		return afpacket.OpenPorts(afpacket.Attachment{Interface: "eth0", VLAN: tags})
	}
	fmt.Println(listen())
}
