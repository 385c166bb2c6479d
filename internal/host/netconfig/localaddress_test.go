package netconfig

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
)

// TestMayBeLocal: an address that an interface has is local in its own VRF only, whatever routes
// and rules there are for it.
func TestMayBeLocal(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		wan(t)
		ip(t, "route", "add", "default", "via", "10.0.0.1")
		ip(t, "route", "add", "unreachable", "192.0.2.3")
		ip(t, "link", "add", "down0", "type", "bridge")
		ip(t, "address", "add", "192.0.2.1/24", "dev", "down0") // never was up
		// An administrator has moved the table of local addresses behind others.
		ip(t, "rule", "add", "priority", "32765", "table", "local")
		ip(t, "rule", "add", "priority", "100", "blackhole")
		ip(t, "rule", "delete", "priority", "0")
		for addr, want := range map[string]bool{
			"10.0.0.9": true, "192.0.2.1": true,
			"10.0.0.1": false, "10.0.0.10": false, "192.0.2.2": false, "192.0.2.3": false, "198.51.100.1": false,
		} {
			if got := mayBeLocal(netip.MustParseAddr(addr), ""); got != want {
				t.Errorf("%s: %v, want %v", addr, got, want)
			}
		}
		if !mayBeLocal(netip.MustParseAddr("198.51.100.1"), "missing") {
			t.Error("without the VRF it is certain that an address is not local")
		}
	})
}

// TestDuplicateAddress: a server rejects a peer's address that a network interface has, and accepts
// one of a point-to-point interface.
func TestDuplicateAddress(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		addBridge(t, "br0", "192.0.2.1/32", "")
		ip(t, "tuntap", "add", "ppp9", "mode", "tun")
		ip(t, "address", "add", "192.0.2.3", "peer", "192.0.2.4", "dev", "ppp9")
		for addr, want := range map[string]error{
			"192.0.2.1": ErrDuplicateAddress, "192.0.2.2": nil, "192.0.2.3": nil, "192.0.2.4": nil,
		} {
			checkRemote(t, addr, "", want)
		}
	})
}

// TestDuplicateInVRF: it rejects only addresses of the session's VRF, even if the VRF is down.
func TestDuplicateInVRF(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		needKind(t, "vrf")
		for i, state := range []string{"up", "down"} {
			vrf := []string{"red", "blue"}[i]
			ip(t, "link", "add", vrf, "type", "vrf", "table", []string{"100", "101"}[i])
			ip(t, "link", "set", vrf, state)
		}
		addBridge(t, "br0", "192.0.2.1/32", "")
		addBridge(t, "br1", "192.0.2.2/32", "red")
		addBridge(t, "br2", "192.0.2.3/32", "blue")
		for addr, in := range map[string]string{"192.0.2.1": "", "192.0.2.2": "red", "192.0.2.3": "blue", "192.0.2.4": "none"} {
			for _, vrf := range []string{"", "red", "blue"} {
				want := error(nil)
				if vrf == in {
					want = ErrDuplicateAddress
				}
				checkRemote(t, addr, vrf, want)
				if got := mayBeLocal(netip.MustParseAddr(addr), vrf); got != (vrf == in) {
					t.Errorf("%s may be local in VRF %q: %v", addr, vrf, got)
				}
			}
		}
	})
}

// addBridge adds a bridge that is up and has an address.
func addBridge(t *testing.T, name, addr, vrf string) {
	t.Helper()
	ip(t, "link", "add", name, "type", "bridge")
	if vrf != "" {
		ip(t, "link", "set", name, "master", vrf)
	}
	ip(t, "link", "set", name, "up")
	ip(t, "address", "add", addr, "dev", name)
}

// checkRemote checks whether a server accepts a peer's address.
func checkRemote(t *testing.T, addr, vrf string, want error) {
	t.Helper()
	a := ipcp.Agreement{Local: netip.MustParseAddr("198.51.100.1"), Remote: netip.MustParseAddr(addr)}
	if err := (&Configurer{}).checkAgreement(routing{vrf: vrf}, a); !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Errorf("%s in VRF %q: %v, want %v", addr, vrf, err, want)
	}
}

// BenchmarkCheckDuplicates measures the check of a server's session while there are already 10 or
// 2,000 addresses, as a ratio.
func BenchmarkCheckDuplicates(b *testing.B) {
	took := map[int]time.Duration{}
	for _, addresses := range []int{10, 2000} {
		inNamespace(b, func(b *testing.B) {
			bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "many0", Flags: net.FlagUp}}
			if err := netlink.LinkAdd(bridge); err != nil {
				b.Fatal(err)
			}
			for i := range addresses {
				addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
				if err := netlink.AddrAdd(bridge, &netlink.Addr{IPNet: hostPrefix(addr), Scope: unix.RT_SCOPE_UNIVERSE}); err != nil {
					b.Fatal(err)
				}
			}
			a := ipcp.Agreement{Local: netip.MustParseAddr("192.0.2.1"), Remote: netip.MustParseAddr("192.0.2.2")}
			began := time.Now()
			for range b.N {
				if err := (&Configurer{}).checkAgreement(routing{}, a); err != nil {
					b.Fatal(err)
				}
			}
			took[addresses] = time.Since(began)
		})
	}
	b.ReportMetric(float64(took[2000])/float64(took[10]), "2000/10")
}
