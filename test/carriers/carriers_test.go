// Package carriers dials with our client to our server over all kinds of Ethernet devices. It needs
// root; kinds that this machine's kernel lacks are tested in a User-Mode Linux guest. It takes
// about a minute.
package carriers

import (
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/guest"
)

// carrier is a kind of Ethernet segment between a server and its clients.
type carrier struct {
	name  string
	kinds []string // kinds of devices that the kernel must support, named as in ip-link(8)
	lay   func(testing.TB) segment
	mtu   int // of sessions: the device's MTU less 8 octets (RFC 2516 section 7)
}

var carriers = []carrier{
	{"veth", []string{"veth"}, layVeth, 1492},
	{"veth of another MTU", []string{"veth"}, layNarrowVeth, 1392},
	{"vlan", []string{"veth", "vlan"}, layVLAN, 1492},
	{"qinq", []string{"veth", "vlan"}, layQinQ, 1492},
	{"vlan of our own", []string{"veth", "vlan"}, layUserVLAN, 1492},
	{"qinq of our own", []string{"veth", "vlan"}, layUserQinQ, 1484},
	{"qinq of our own with room", []string{"veth", "vlan"}, layUserQinQRaisedMTU, 1492},
	{"bridge between", []string{"veth", "bridge"}, layBridgeBetween, 1492},
	{"bridge of the server", []string{"veth", "bridge"}, layBridgeOfServer, 1492},
	{"macvlan", []string{"veth", "macvlan"}, layMacvlan, 1492},
	{"vxlan", []string{"veth", "bridge", "vxlan"}, layVXLAN, 1442},
	{"vxlan over IPv6", []string{"veth", "bridge", "vxlan"}, layVXLANOverIPv6, 1422},
	{"vxlan of three", []string{"veth", "bridge", "vxlan"}, layVXLANThreeHosts, 1442},
	{"vlan in vxlan", []string{"veth", "bridge", "vlan", "vxlan"}, layVLANInVXLAN, 1442},
	{"geneve", []string{"veth", "bridge", "geneve"}, layGeneve, 1442},
	{"gretap", []string{"veth", "bridge", "gretap"}, layGRETAP, 1454},
}

// TestCarriers: the server is found, sessions come up with the MTU that the device permits, carry
// packets of that size in both directions, and end orderly.
func TestCarriers(t *testing.T) {
	need(t)
	k := guest.Kernels{Owner: t, Bin: bin}
	for _, c := range carriers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			k.Run(t, c.kinds, func(t *testing.T) { dialAll(t, c.lay(t), c.mtu) })
		})
	}
}

// need skips a test on a machine that cannot run it.
func need(t *testing.T) {
	t.Helper()
	roottest.Need(t, "ip", "bridge", "ping")
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
