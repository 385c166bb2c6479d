package netconfig

import (
	"testing"

	"github.com/vishvananda/netlink"
)

// TestRoutingHas: a VRF's own device is in that VRF, like the devices enslaved to it; any other
// interface is in none.
func TestRoutingHas(t *testing.T) {
	for _, c := range []struct {
		vrf  string // the session's
		link netlink.Link
		want bool
	}{
		{"", &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}}, true},
		{"red", &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}}, false},
		{"red", &netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "red"}}, true},
		{"blue", &netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "red"}}, false},
		{"", &netlink.Vrf{LinkAttrs: netlink.LinkAttrs{Name: "red"}}, false},
	} {
		if got := (routing{vrf: c.vrf}).has(c.link); got != c.want {
			t.Errorf("VRF %q, %s %s: %v, want %v", c.vrf, c.link.Type(), c.link.Attrs().Name, got, c.want)
		}
	}
}
