package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
)

// TestRates: the rate that a session was given at one server holds at the other that takes it over, in the kernel and
// in user space.
func TestRates(t *testing.T) {
	t.Parallel() // it mostly waits
	for _, path := range []string{"auto", "plain"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			testRates(t, path)
		})
	}
}

func testRates(t *testing.T, path string) {
	const rate = 4_000_000 / 8 // octets a second; flood sends eight times as many
	w := newTestbed(t, 64, path)
	active, other := w.servers["a"], w.servers["b"]
	w.start(active)
	w.awaitActive(active, 1)
	w.start(other)
	w.dial()
	if out, err := w.command(active, "update", "alice", "--rate-down", "4000", "--burst", "100"); err != nil {
		t.Fatalf("update: %v, %s", err, out)
	}
	w.awaitAdoptable(active, 1)
	w.flood()
	w.kill(active)
	w.awaitActive(other, 1)
	check(t, other.program.Await("Adopted 1 sessions"))
	if out, err := w.command(other, "sessions", "--json"); err != nil || !strings.Contains(strings.ReplaceAll(out, " ", ""), `"rate_down":4000`) {
		t.Errorf("sessions: %v, %s", err, out)
	}
	w.awaitSent(other, rate/2) // the burst is over
	began, before := time.Now(), w.sent(other)
	w.awaitSent(other, before+rate)
	// Octets are read before the time, and before them after it: a test that is stopped between them measures less.
	octets := w.sent(other) - before
	got := float64(octets) / time.Since(began).Seconds() / rate
	t.Logf("%.2f of the rate", got)
	// Of a second, a burst is a tenth; a machine that is busy sends less.
	if got > 1.3 || got < 0.2 {
		t.Errorf("the session has %.2f of its rate", got)
	}
}

// sent returns how many octets a server has sent to the segment.
func (w *testbed) sent(s *server) (octets uint64) {
	w.t.Helper()
	check(w.t, w.wire.Do(func() error {
		port, err := netlink.LinkByName("p" + s.name)
		if err == nil {
			octets = port.Attrs().Statistics.RxBytes
		}
		return err
	}))
	return octets
}

// awaitSent waits until a server has sent a number of octets.
func (w *testbed) awaitSent(s *server, octets uint64) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); w.sent(s) < octets; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("server %s has sent %d octets, want %d", s.name, w.sent(s), octets)
		}
	}
}
