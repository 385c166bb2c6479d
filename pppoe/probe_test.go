package pppoe_test

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"upppoe/pppoe"
	"upppoe/pppoe/discovery"
	"upppoe/pppoe/ethertest"
	"upppoe/pppoe/wire"
)

// TestProbeUnanswered: without an answer, Probe sends three PADIs in 15 s.
func TestProbeUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		segment := ethertest.New(ethertest.Config{Watch: seen.watch})
		began := time.Now()
		_, err := pppoe.Probe(t.Context(), segment.Port(wire.Addr{2, 9}, wire.EtherTypeDiscovery), discovery.ClientConfig{},
			func(o discovery.Offer, _ time.Duration) { t.Errorf("found %v", o) })
		if n, took := len(seen.all(wire.PADI)), time.Since(began); err != nil || n != 3 || took != 15*time.Second {
			t.Errorf("sent %d PADIs in %v, %v; want 3 in 15 s", n, took, err)
		}
	})
}

// TestProbeRequestsNoSession: each concentrator is reported once, however often it answers, and no
// session is requested.
func TestProbeRequestsNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen recorder
		segment := ethertest.New(ethertest.Config{Watch: seen.watch})
		for i := range 3 {
			answering(t, segment.Port(station(i), wire.EtherTypeDiscovery), "ac")
		}
		answering(t, segment.Port(station(0), wire.EtherTypeDiscovery), "again")
		found := map[wire.Addr]int{}
		if _, err := pppoe.Probe(t.Context(), segment.Port(scanner, wire.EtherTypeDiscovery), discovery.ClientConfig{},
			func(o discovery.Offer, _ time.Duration) { found[o.AC]++ }); err != nil {
			t.Error(err)
		}
		if len(found) != 3 || found[station(0)] != 1 || found[station(1)] != 1 || found[station(2)] != 1 {
			t.Errorf("found %v, want three, once each", found)
		}
		if n := len(seen.all(wire.PADR)); n != 0 {
			t.Errorf("%d sessions were requested", n)
		}
	})
}

// TestProbeLost: Probe returns the error of a lost port.
func TestProbeLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		port := failing{ethertest.New(ethertest.Config{}).Port(scanner, wire.EtherTypeDiscovery), gone}
		if _, err := pppoe.Probe(t.Context(), port, discovery.ClientConfig{}, func(discovery.Offer, time.Duration) {}); !errors.Is(err, gone) {
			t.Errorf("%v, want %v", err, gone)
		}
		if _, err := port.WriteBatch([][]byte{make([]byte, 60)}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the port is not closed, but returns %v", err)
		}
	})
}
