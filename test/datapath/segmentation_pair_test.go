package datapath

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"upppoe/pppoe/vlan"
)

// TestSegmentationPair: under a load of GSO packets the kernel sends these too. Packets arrive as
// before.
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
			t.Parallel() // engines check the load each second
			eachOf(t, c.pairs, c.settings, func(t *testing.T, e *ends) {
				t.Parallel()
				e.createPairs(t)
				e.try(t, long, tcp, udp, random)
			})
		})
	}
}

// createPairs sends GSO packets in both directions until both kernels have their segmentation pair.
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
			t.Fatal("no segmentation pair is created")
		}
	}
}

// loadGSO sends many datagrams that are each to be segmented in two.
func (u *association) loadGSO(t *testing.T) {
	t.Helper()
	const many = 20
	b := u.data(150)
	for range many {
		if _, _, err := u.from.WriteMsgUDP(b, segmentControl(100), nil); err != nil {
			t.Fatal(err)
		}
	}
	// Once the pair exists, its packets overtake those that user space still has.
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

// hasPair reports whether the kernel sends GSO packets, if it carries others.
func (e *end) hasPair() bool { return e.offload == nil || e.pair.Load() }

// logHandler watches the log of the Opener for the segmentation pair.
type logHandler struct {
	slog.Handler
	*end
}

func (l logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (l logHandler) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "segment them in the kernel") {
		l.pair.Store(true)
	}
	return nil
}
