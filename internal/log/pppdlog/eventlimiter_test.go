package pppdlog

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/ppp/session"
	"upppoe/pppoe"
)

// TestEventLimit: of a peer's unlimited events some are logged, and then the number of suppressed
// ones; another kind, and a later period, is not affected.
func TestEventLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // kinds are reported concurrently
		var reports []string
		f := &EventLimiter{Report: func(kind string, n int) {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, SuppressedText(kind, n))
		}}
		said := func() []string {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Sorted(slices.Values(reports))
		}
		logged := func(n int, e pppoe.Event) (logged int) {
			for range n {
				if !f.Suppress(e) {
					logged++
				}
			}
			return logged
		}
		if n := logged(maxEvents, pppoe.Announced{}); n != maxEvents {
			t.Errorf("%d of %d are logged", n, maxEvents)
		}
		time.Sleep(2 * eventPeriod)
		if log := said(); len(log) > 0 {
			t.Errorf("nothing was left out, and the log has %q", log)
		}
		if n := logged(1000, pppoe.Announced{}); n != maxEvents {
			t.Errorf("%d of 1000 are logged, want %d", n, maxEvents)
		}
		if n := logged(maxEvents, session.AuthFailed{}) + logged(1, session.Authenticated{}); n != maxEvents {
			t.Errorf("%d of another kind are logged, want %d", n, maxEvents)
		}
		time.Sleep(eventPeriod - 1)
		if log := said(); len(log) > 0 || logged(1, pppoe.Announced{}) > 0 {
			t.Errorf("after less than a period the log has %q", log)
		}
		time.Sleep(time.Nanosecond)
		want := []string{"1 more results of authentication were suppressed", "981 more announcements of concentrators were suppressed"}
		if log := said(); !slices.Equal(log, want) {
			t.Errorf("the log has %q, want %q", log, want)
		}
		if logged(1, pppoe.Announced{}) != 1 {
			t.Error("after a period nothing is logged")
		}
		time.Sleep(2 * eventPeriod)
		if log := said(); len(log) != len(want) {
			t.Errorf("the log has %q", log)
		}
	})
}

// TestWithinEventLimit: events that a peer cannot cause are always logged.
func TestWithinEventLimit(t *testing.T) {
	f := &EventLimiter{}
	for _, e := range []pppoe.Event{
		pppoe.InterfaceChanged{}, pppoe.HostNetworkFailed{}, pppoe.AwaitingRedial{}, pppoe.Ended{}, pppoe.AwaitingInterface{}, pppoe.FrameSent{}, pppoe.DiscoveryReceived{},
		pppoe.NetworkLost{}, pppoe.DiscoveryTimeout{}, session.EchoTimeout{}, pppoe.Offloaded{}, pppoe.StaleTerminated{}, session.Dropped{},
	} {
		for range 2 * maxEvents {
			if f.Suppress(e) {
				t.Fatalf("%T is left out", e)
			}
		}
	}
	for _, e := range []pppoe.Event{
		pppoe.Rejected{}, pppoe.Announced{}, pppoe.SessionEstablished{}, pppoe.DeviceOpened{}, pppoe.Connected{}, pppoe.Configured{},
		session.Authenticated{}, session.AuthFailed{}, session.NetworkFailed{}, session.PeerClosed{},
	} {
		if kindOf(e) == "" {
			t.Errorf("%T is bounded by nothing", e)
		}
	}
}

// lockedBuffer is a log that several goroutines write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(text)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestKindsOfEvents: the kinds of suppressed events in the client's log.
func TestKindsOfEvents(t *testing.T) {
	for _, c := range []struct {
		want   string
		events []pppoe.Event
	}{
		{"refusals of concentrators", []pppoe.Event{pppoe.Rejected{}}},
		{"announcements of concentrators", []pppoe.Event{pppoe.Announced{}}},
		{"starts of sessions", []pppoe.Event{pppoe.SessionEstablished{}, pppoe.DeviceOpened{}, pppoe.Connected{}}},
		{"changes of addresses", []pppoe.Event{pppoe.Configured{}}},
		{"results of authentication", []pppoe.Event{session.Authenticated{}, session.AuthFailed{}}},
		{"failures of network protocols", []pppoe.Event{session.NetworkFailed{}}},
		{"ends of sessions by the peer", []pppoe.Event{session.PeerClosed{}}},
		{"", []pppoe.Event{session.NetworkPhase{}, pppoe.HostNetworkFailed{}, pppoe.Ended{}}},
	} {
		for _, e := range c.events {
			if got := kindOf(e); got != c.want {
				t.Errorf("%T is of kind %q, want %q", e, got, c.want)
			}
		}
	}
	if maxEvents != 20 || eventPeriod != 10*time.Second {
		t.Errorf("%d events in %v are logged; want 20 in 10 s", maxEvents, eventPeriod)
	}
}
