package datapath

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe/vlan"
)

// TestSegmentationPair: once there are many packets that are yet to be cut, the kernel has a way for
// them too. All is as before, but for who moves them.
func TestSegmentationPair(t *testing.T) {
	tagged, err := vlan.Parse("50.100")
	must(t, err)
	for _, c := range []struct {
		what  string
		pairs []pair
		settings
	}{
		{"usual", []pair{{auto, auto}, {auto, gso}, {gso, kernel}}, settings{}},
		{"full size", []pair{{kernel, auto}}, settings{mtu: 1508, maxPayload: 1500}},
		{"tagged", []pair{{auto, auto}, {kernel, gso}}, settings{vlan: tagged, mtu: 1508}},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel() // engines look each second
			eachOf(t, c.pairs, c.settings, func(t *testing.T, e *ends) {
				t.Parallel()
				e.createPairs(t)
				e.try(t, long, tcp, udp, random)
			})
		})
	}
}

// createPairs sends what the kernel cannot, both ways, until it can.
func (e *ends) createPairs(t *testing.T) {
	t.Helper()
	there := associate(t, e.client.Namespace, e.server.Namespace, serverIP, e.mtu)
	defer there.close()
	back := associate(t, e.server.Namespace, e.client.Namespace, clientIP, e.mtu)
	defer back.close()
	for end := time.Now().Add(timeout); !e.client.hasPair() || !e.server.hasPair(); {
		there.loadGSO(t)
		back.loadGSO(t)
		if time.Now().After(end) {
			t.Fatal("no detour is made")
		}
	}
}

// loadGSO sends many datagrams that are to be cut in two.
func (u *association) loadGSO(t *testing.T) {
	t.Helper()
	const many = 20
	b := u.data(150)
	for range many {
		if _, _, err := u.from.WriteMsgUDP(b, segmentControl(100), nil); err != nil {
			t.Fatal(err)
		}
	}
	// When the way is made, packets by it overtake those that user space still has.
	got := make(map[string]int)
	buf := make([]byte, 1<<16)
	for range 2 * many {
		u.at.SetReadDeadline(time.Now().Add(timeout))
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

// hasPair reports whether the kernel has a way for packets that are yet to be cut, if it has one
// for others.
func (e *end) hasPair() bool { return e.offload == nil || e.pair.Load() }

// logHandler hears what stage.Opener tell of the detour.
type logHandler struct {
	slog.Handler
	*end
}

func (l logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (l logHandler) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "have been made") {
		l.pair.Store(true)
	}
	return nil
}
