package netconfig

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/test/lab"
)

// TestConcurrentSessions: sessions begin and end at the same time, with all that a server may
// configure, and nothing is left.
func TestConcurrentSessions(t *testing.T) {
	roottest.Need(t, "ip")
	inNamespace(t, func(t *testing.T) {
		other, err := lab.NewNamespace()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		for _, args := range [][]string{
			{"link", "add", "lan0", "type", "bridge"}, {"link", "set", "lan0", "up"}, {"address", "add", "192.0.2.254/24", "dev", "lan0"},
		} {
			if out, err := other.Run("ip", args...); err != nil {
				t.Fatal(err, out)
			}
		}
		rules, _ := other.Run("ip", "rule")
		h := &Configurer{Namespace: pathOf(t, other), ProxyARP: true, KernelTune: true, Table: 100, PolicyRules: true, PreUp: func(pppoe.SessionInfo, pppoe.Addressing) {}, Log: discard()}
		var running sync.WaitGroup
		for i := range 24 {
			running.Go(func() {
				for range 3 {
					if err := upAndDown(h, uint16(i+1)); err != nil {
						t.Errorf("session %d: %v", i, err)
					}
				}
			})
		}
		running.Wait()
		if out, _ := other.Run("ip", "-o", "link"); strings.Contains(out, "ppp") {
			t.Errorf("devices are left:\n%s", out)
		}
		if out, _ := other.Run("ip", "rule"); out != rules {
			t.Errorf("rules are left:\n%s", out)
		}
		if out, _ := other.Run("ip", "neigh", "show", "proxy"); out != "" {
			t.Errorf("proxy entries are left:\n%s", out)
		}
		if len(h.sessions) > 0 || len(h.rules) > 0 {
			t.Errorf("sessions are left: %v, and rules: %v", h.sessions, h.rules)
		}
	})
}

// upAndDown begins and ends a session.
func upAndDown(h *Configurer, id uint16) error {
	info := pppoe.SessionInfo{SessionID: id}
	dev, err := h.Open(info)
	if err != nil {
		return err
	}
	info.Device = dev.Name()
	want := agreed
	want.IPv4.Local, want.IPv4.Remote = netip.MustParseAddr("192.0.2.254"), netip.AddrFrom4([4]byte{192, 0, 2, byte(id)})
	err = h.Configure(info, pppoe.Addressing{}, want)
	without := want
	without.IPv4 = pppoe.Addressing{}.IPv4
	if err == nil {
		err = errors.Join(h.Configure(info, want, without), h.Configure(info, without, want))
	}
	dev.Close()
	h.Close(info, want)
	return err
}
