package netconfig

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/pppoe"
)

// TestUnnumbered: a session whose peer has no address, or ours, is configured if that is allowed,
// and leaves nothing; in a routing table of its own there is no route to the peer then.
func TestUnnumbered(t *testing.T) {
	roottest.Need(t, "ip")
	ours := netip.MustParseAddr("192.0.2.10")
	for _, remote := range []netip.Addr{netip.IPv4Unspecified(), ours} {
		for _, table := range []int{0, 77} {
			inNamespace(t, func(t *testing.T) {
				h := &Configurer{Name: "ppp0", Unnumbered: true, RejectDuplicateAddress: true, DefaultRoute: true, ProxyARP: true, Table: table, PolicyRules: table != 0, Log: discard()}
				dev, err := h.Open(pppoe.SessionInfo{})
				if err != nil {
					t.Fatal(err)
				}
				defer dev.Close()
				info, none := pppoe.SessionInfo{Device: "ppp0"}, pppoe.Addressing{}
				want := pppoe.Addressing{MTU: 1492, IPv4: ipcp.Agreement{Local: ours, Remote: remote}}
				if err := h.Configure(info, none, want); err != nil {
					t.Fatal(err)
				}
				if got := ip(t, "-4", "address", "show", "dev", "ppp0"); !strings.Contains(got, "inet 192.0.2.10/32 scope global") {
					t.Errorf("peer %v: ip address show says\n%s", remote, got)
				}
				shown := []string{"route", "show", "default"}
				if table != 0 {
					shown = append(shown, "table", "77")
				}
				if got := ip(t, shown...); !strings.HasPrefix(got, "default dev ppp0 scope link") {
					t.Errorf("peer %v, table %d: the default route is %q", remote, table, got)
				}
				if err := h.Configure(info, want, pppoe.Addressing{MTU: 1492}); err != nil {
					t.Fatal(err)
				}
				if got := ip(t, "-4", "address", "show", "dev", "ppp0"); got != "" {
					t.Errorf("peer %v: left over\n%s", remote, got)
				}
				h.Unnumbered = false
				if err := h.Configure(info, none, want); !errors.Is(err, ErrSameAddress) && !errors.Is(err, ErrNotHostAddress) {
					t.Errorf("peer %v: carried though it is not allowed", remote)
				}
			})
		}
	}
}
