// Package carriers dials with our client to our server over all kinds of Ethernet devices. It needs
// root; kinds that this machine's kernel lacks are tested in a User-Mode Linux guest. It takes
// about a minute.
package carriers

import (
	"testing"

	"upppoe/internal/roottest"
	"upppoe/test/guest"
)

// segmentKind is a kind of Ethernet segment between a server and its clients.
type segmentKind struct {
	name   string
	kinds  []string // kinds of devices that the kernel must support, named as in ip-link(8)
	layout func(testing.TB) segment
	mtu    int // of sessions: the device's MTU less 8 octets (RFC 2516 section 7)
}

var segmentKinds = []segmentKind{
	{"veth", []string{"veth"}, vethSegment, 1492},
	{"veth of another MTU", []string{"veth"}, narrowVethSegment, 1392},
	{"vlan", []string{"veth", "vlan"}, vlanSegment, 1492},
	{"qinq", []string{"veth", "vlan"}, qinqSegment, 1492},
	{"vlan of our own", []string{"veth", "vlan"}, userVLANSegment, 1492},
	{"qinq of our own", []string{"veth", "vlan"}, userQinQSegment, 1484},
	{"qinq of our own with room", []string{"veth", "vlan"}, userQinQRaisedMTUSegment, 1492},
	{"bridge between", []string{"veth", "bridge"}, bridgeBetweenSegment, 1492},
	{"bridge of the server", []string{"veth", "bridge"}, serverBridgeSegment, 1492},
	{"macvlan", []string{"veth", "macvlan"}, macvlanSegment, 1492},
	{"vxlan", []string{"veth", "bridge", "vxlan"}, vxlanSegment, 1442},
	{"vxlan over IPv6", []string{"veth", "bridge", "vxlan"}, vxlanOverIPv6Segment, 1422},
	{"vxlan of three", []string{"veth", "bridge", "vxlan"}, vxlanThreeHostsSegment, 1442},
	{"vlan in vxlan", []string{"veth", "bridge", "vlan", "vxlan"}, vlanInVXLANSegment, 1442},
	{"geneve", []string{"veth", "bridge", "geneve"}, geneveSegment, 1442},
	{"gretap", []string{"veth", "bridge", "gretap"}, gretapSegment, 1454},
}

// TestCarriers: the server is found, sessions come up with the MTU that the device permits, carry
// packets of that size in both directions, and end orderly.
func TestCarriers(t *testing.T) {
	t.Parallel()
	need(t)
	k := guest.Kernels{Owner: t, Bin: bin}
	for _, c := range segmentKinds {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			k.Run(t, c.kinds, func(t *testing.T) { dialAll(t, c.layout(t), c.mtu) })
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
