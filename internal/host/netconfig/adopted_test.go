package netconfig

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/ipcp"
	"upppoe/ppp/ipv6cp"
	"upppoe/pppoe"
	"upppoe/test/lab"
	"upppoe/test/lab/labtest"
	"upppoe/tun"
)

// TestAdoptedDevice: the devices of a program that has ended are opened by their names, and found configured;
// those that no session opens are removed, and a stranger's is not.
func TestAdoptedDevice(t *testing.T) {
	labtest.InNamespace(t, func() error {
		want := pppoe.Addressing{
			MTU:  1480,
			IPv4: ipcp.Agreement{Local: netip.MustParseAddr("10.0.0.1"), Remote: netip.MustParseAddr("10.0.0.2")},
			IPv6: ipv6cp.Agreement{Local: ipv6cp.ID{7: 1}, Remote: ipv6cp.ID{7: 2}},
		}
		framed := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		log := &bytes.Buffer{}
		program := func() *Configurer {
			return &Configurer{Owner: "server", Log: slog.New(slog.NewTextHandler(log, nil))}
		}
		open := func(h *Configurer, l *pppoe.SessionInfo) tun.Leaver {
			t.Helper()
			d, err := h.Open(*l)
			if err != nil {
				t.Fatal(err)
			}
			l.Device = d.Name()
			if err := h.Configure(*l, pppoe.Addressing{}, want); err != nil {
				t.Fatal(err)
			}
			if err := h.SetFramedRoutes(*l, nil, framed); err != nil {
				t.Fatal(err)
			}
			awaitPeerRoute(t, l.Device, want)
			return d.(tun.Leaver)
		}
		stranger, err := tun.OpenGSO(tun.Config{Name: "ppp2", Owner: "another"})
		if err != nil {
			return err
		}
		stranger.Leave()
		first, lost, kept := program(), pppoe.SessionInfo{SessionID: 1}, pppoe.SessionInfo{SessionID: 2}
		open(first, &lost).Leave()
		framed[0] = netip.MustParsePrefix("198.51.100.0/24")
		open(first, &kept).Leave()
		before := configuredOn(t, kept.Device)

		second := program()
		d := open(second, &kept)
		second.Sweep()
		if after := configuredOn(t, kept.Device); kept.Device != "ppp1" || after != before || !strings.Contains(before, "10.0.0.1 peer 10.0.0.2") {
			t.Errorf("%s: before:\n%s\nafter:\n%s", kept.Device, before, after)
		}
		if tun.IsOwned(lost.Device, "server") || !tun.IsOwned("ppp2", "another") {
			t.Errorf("%s is left, or a stranger's device is not", lost.Device)
		}
		again := pppoe.SessionInfo{SessionID: 3}
		another, err := second.Open(again)
		if err != nil {
			return err
		}
		if another.Name() != "ppp0" {
			t.Errorf("the next device is %s, want ppp0", another.Name())
		}
		another.Close()
		d.Close()
		second.Close(kept, want)
		if tun.IsOwned(kept.Device, "server") {
			t.Errorf("%s is left after Close", kept.Device)
		}
		if log.Len() > 0 {
			t.Errorf("logged: %s", log)
		}
		return nil
	})
}

// TestStartSweep: a device that is opened while those of an earlier program are being removed gets the name of one.
func TestStartSweep(t *testing.T) {
	roottest.Need(t)
	other, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	program := func() *Configurer {
		return &Configurer{Owner: "client", Namespace: pathOf(t, other), Log: discard()}
	}
	for range 3 {
		left, err := program().Open(pppoe.SessionInfo{SessionID: 1})
		if err != nil {
			t.Fatal(err)
		}
		left.(tun.Leaver).Leave()
		next := program()
		next.StartSweep()
		d, err := next.Open(pppoe.SessionInfo{SessionID: 2})
		if err != nil {
			t.Fatal(err)
		}
		if d.Name() != "ppp0" {
			t.Errorf("the device is %s, want ppp0", d.Name())
		}
		d.Close()
	}
}

// configuredOn returns the addresses and routes of a device. Without a program it has no carrier, which the
// routes say.
func configuredOn(t *testing.T, device string) string {
	t.Helper()
	_, addresses, _ := strings.Cut(ip(t, "address", "show", "dev", device), "link/ppp")
	routes := ip(t, "route", "show", "dev", device) + ip(t, "-6", "route", "show", "dev", device)
	return addresses + strings.ReplaceAll(routes, "linkdown ", "")
}
