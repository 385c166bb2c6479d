package datapath

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe/vlan"
)

// TestDetour: once there are many packets that are yet to be cut, the kernel has a way for
// them too. All is as before, but for who moves them.
func TestDetour(t *testing.T) {
	tagged, err := vlan.Parse("50.100")
	must(t, err)
	for _, c := range []struct {
		what  string
		pairs []pair
		setting
	}{
		{"usual", []pair{{auto, auto}, {auto, offload}, {offload, kernel}}, setting{}},
		{"full size", []pair{{kernel, auto}}, setting{mtu: 1508, maxPayload: 1500}},
		{"tagged", []pair{{auto, auto}, {kernel, offload}}, setting{vlan: tagged, mtu: 1508}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel() // engines look each second
			eachOf(t, c.pairs, c.setting, func(t *testing.T, e *ends) {
				t.Parallel()
				e.demandDetours(t)
				e.try(t, long, tcp, udp, random)
			})
		})
	}
}

// demandDetours sends what the kernel cannot, both ways, until it can.
func (e *ends) demandDetours(t *testing.T) {
	t.Helper()
	there := associate(t, e.client.Namespace, e.server.Namespace, serverIP, e.mtu)
	defer there.close()
	back := associate(t, e.server.Namespace, e.client.Namespace, clientIP, e.mtu)
	defer back.close()
	for end := time.Now().Add(patience); !e.client.cuts() || !e.server.cuts(); {
		there.rush(t)
		back.rush(t)
		if time.Now().After(end) {
			t.Fatal("no detour is made")
		}
	}
}

// rush sends many datagrams that are to be cut in two.
func (u *association) rush(t *testing.T) {
	t.Helper()
	const many = 20
	b := u.data(150)
	for range many {
		if _, _, err := u.from.WriteMsgUDP(b, cutInto(100), nil); err != nil {
			t.Fatal(err)
		}
	}
	// When the way is made, packets by it overtake those that user space still has.
	got := make(map[string]int)
	buf := make([]byte, 1<<16)
	for range 2 * many {
		u.at.SetReadDeadline(time.Now().Add(patience))
		n, err := u.at.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got[string(buf[:n])]++
	}
	if got[string(b[:100])] != many || got[string(b[100:])] != many {
		t.Fatalf("%d and %d datagrams arrived, of %d each", got[string(b[:100])], got[string(b[100:])], many)
	}
}

// cuts reports whether the kernel has a way for packets that are yet to be cut, if it has one
// for others.
func (e *end) cuts() bool { return e.fast == nil || e.detour.Load() }

// listener hears what stage.Opener tell of the detour.
type listener struct {
	slog.Handler
	*end
}

func (l listener) Enabled(context.Context, slog.Level) bool { return true }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "have been made") {
		l.detour.Store(true)
	}
	return nil
}
