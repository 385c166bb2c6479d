package netconfig

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
	"upppoe/tun"
)

// TestGroupRemoval: devices of sessions that end at once are removed together, renamed ones too.
// Nothing of another program is removed: neither a device that has the name that one had, nor its
// routes. The names are free again.
func TestGroupRemoval(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		other, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		h := &Configurer{Namespace: pathOf(t, other), Log: discard()}
		const sessions = maxGroup + 20
		devices := make([]tun.Device, sessions)
		infos := make([]pppoe.SessionInfo, sessions)
		for i := range sessions {
			infos[i] = pppoe.SessionInfo{SessionID: uint16(i + 1)}
			if devices[i], err = h.Open(infos[i]); err != nil {
				t.Fatal(err)
			}
			infos[i].Device = devices[i].Name()
			h.Prepare(infos[i], pppoe.Addressing{MTU: 1492})
		}
		run := func(command string) {
			t.Helper()
			if out, err := other.Run("ip", strings.Fields(command)...); err != nil {
				t.Fatalf("ip %s: %v\n%s", command, err, out)
			}
		}
		run("link set ppp7 down")
		run("link set ppp7 name mine")
		run("link add ppp7 type bridge")
		run("link set ppp7 up")
		run("-6 route add 2001:db8::/64 dev ppp7")
		for i := range sessions {
			if i == 7 {
				continue
			}
			want := agreed
			want.IPv4.Remote = netip.AddrFrom4([4]byte{198, 18, 0, byte(i)})
			if err := h.Configure(infos[i], pppoe.Addressing{}, want); err != nil {
				t.Fatalf("session %d: %v", i, err)
			}
		}
		var ends sync.WaitGroup
		for i := range sessions {
			h.Retire(infos[i])
			ends.Go(func() {
				devices[i].Close()
				h.Close(infos[i], agreed)
			})
		}
		ends.Wait()
		out, _ := other.Run("ip", "-br", "link")
		if strings.Count(out, "ppp") != 1 || !strings.Contains(out, "ppp7") || strings.Contains(out, "mine") {
			t.Errorf("after the end there are\n%s", out)
		}
		if out, _ := other.Run("ip", "-6", "route", "show", "dev", "ppp7"); !strings.Contains(out, "2001:db8::/64") {
			t.Errorf("the other device has lost its route: %s", out)
		}
		if h.remover.running || len(h.remover.pending) > 0 {
			t.Errorf("%d removals are left", len(h.remover.pending))
		}
		for i, want := range []string{"ppp0", "ppp1"} {
			dev, err := h.Open(pppoe.SessionInfo{SessionID: uint16(i + 1)})
			if err != nil || dev.Name() != want {
				t.Fatalf("%v, %v, want %s", dev, err, want)
			}
			defer dev.Close()
		}
	})
}

// TestRemovalInAnotherNamespace: a thread of another namespace does not remove the interface there
// that has the same index.
func TestRemovalInAnotherNamespace(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0", Index: 77}}); err != nil {
			t.Fatal(err)
		}
		removeGroup([]removal{{session: &session{index: 77, in: namespaceID{1, 1}}}})
		if _, err := netlink.LinkByIndex(77); err != nil {
			t.Errorf("the interface of another namespace was removed: %v", err)
		}
	})
}

// TestPrepare: the device is up with its MTU before it has addresses, unless PreUp needs it down.
func TestPrepare(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		preUp := func(pppoe.SessionInfo, pppoe.Addressing) {}
		may := func(is bool) func(pppoe.SessionInfo) bool { return func(pppoe.SessionInfo) bool { return is } }
		for name, c := range map[string]struct {
			h    *Configurer
			isUp bool
		}{
			"no PreUp":        {&Configurer{}, true},
			"PreUp":           {&Configurer{PreUp: preUp}, false},
			"PreUp may run":   {&Configurer{PreUp: preUp, MayPreUp: may(true)}, false},
			"PreUp is absent": {&Configurer{PreUp: preUp, MayPreUp: may(false)}, true},
		} {
			c.h.Log = discard()
			dev, err := c.h.Open(pppoe.SessionInfo{})
			if err != nil {
				t.Fatal(err)
			}
			info := pppoe.SessionInfo{Device: dev.Name()}
			state := func() string {
				link, err := netlink.LinkByName(dev.Name())
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(link.Attrs().MTU, link.Attrs().RawFlags&1 == 1)
			}
			c.h.Prepare(info, pppoe.Addressing{MTU: 1480})
			if got, want := state(), fmt.Sprint(map[bool]int{true: 1480, false: 1500}[c.isUp], c.isUp); got != want {
				t.Errorf("%s: prepared: %s, want %s", name, got, want)
			}
			want := agreed
			for _, want.MTU = range []int{1480, 1400} {
				if err := c.h.Configure(info, pppoe.Addressing{}, want); err != nil {
					t.Error(err)
				}
				if got := state(); got != fmt.Sprint(want.MTU, true) {
					t.Errorf("%s: configured: %s", name, got)
				}
				if err := c.h.Configure(info, want, pppoe.Addressing{MTU: want.MTU}); err != nil {
					t.Error(err)
				}
			}
			dev.Close()
			c.h.Close(info, pppoe.Addressing{})
		}
	})
}
