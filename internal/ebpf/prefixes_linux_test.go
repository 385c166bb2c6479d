package ebpf

import (
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/datapath"
	"upppoe/test/packets"
	"upppoe/test/stages"
)

// TestSourceChanges: a source that was allowed is looked up again after each change of what is
// allowed: of the session's own prefixes, and of another's within them.
func TestSourceChanges(t *testing.T) {
	for _, c := range []struct{ source, net, within, other string }{
		{"10.1.1.65", "10.1.1.0/24", "10.1.1.64/26", "10.2.0.0/16"},
		{"fd01:0:0:1:8000::9", "fd01:0:0:1::/64", "fd01:0:0:1:8000::/65", "fd02::/32"},
	} {
		i := testMaps(t)
		loaded, err := i.engine.hooks.load(ebpf.SchedCLS, 0, "test", receive(i.maps()))
		check(t, err)
		d := &device{index: 7, shared: true}
		s := i.testSessionOf(t, d, sessionConfig(1, addrs[1], addrs[0], nil))
		inner := i.testSessionOf(t, d, sessionConfig(2, addrs[1], addrs[0], nil))
		s.SetFamilies(true, true)
		frame := sessionFrame(netip.MustParseAddr(c.source))
		for n, step := range []struct {
			change  func() error
			allowed bool
		}{
			{func() error { return nil }, false},
			{func() error { return s.SetPrefixes(prefixes(c.net)) }, true},
			{func() error { return inner.SetPrefixes(prefixes(c.other)) }, true},
			{func() error { return inner.SetPrefixes(prefixes(c.within)) }, false},
			{func() error { return inner.SetPrefixes(nil) }, true},
			{func() error { return s.SetPrefixes(prefixes(c.net, c.other)) }, true},
			{func() error { return inner.SetPrefixes(prefixes(c.net)) }, false}, // the newer one has it
			{func() error { return s.SetPrefixes(prefixes(c.within)) }, true},
			{func() error { return s.SetPrefixes(nil) }, false},
		} {
			check(t, step.change())
			for range 2 {
				before := s.Counters()
				_, _, err := loaded.Benchmark(frame, 1, nil)
				check(t, err)
				got, want := difference(s.Counters(), before), datapath.Counters{Spoofed: 1, Dropped: 1}
				if step.allowed {
					want = datapath.Counters{ReceivedPackets: 1, ReceivedBytes: 1000}
				}
				if got != want {
					t.Errorf("%s, step %d: counted %+v, want %+v", c.source, n, got, want)
				}
			}
		}
	}
}

// TestDestinationChanges: a destination is looked up again after each change of prefixes.
func TestDestinationChanges(t *testing.T) {
	e := newNetwork(t, withoutPair).ends[0]
	s, device, socket := e.stageSessions(true)
	s.session.SetFamilies(true, true)
	s.other.SetFamilies(true, true)
	for _, c := range []struct{ what, net, within, other string }{
		{"UDP", "192.0.2.0/24", "192.0.2.1/32", "10.0.0.0/8"},
		{"to the delegated prefix", "2001:db8:100::/56", "2001:db8:100:ff::/64", "fd00::/8"},
	} {
		for n, step := range []struct {
			change func() error
			to     *session // nil: user space
		}{
			{func() error { return nil }, nil},
			{func() error { return s.session.SetPrefixes(prefixes(c.net)) }, s.session},
			{func() error { return s.other.SetPrefixes(prefixes(c.other)) }, s.session},
			{func() error { return s.other.SetPrefixes(prefixes(c.within)) }, s.other},
			{func() error { return s.other.SetPrefixes(nil) }, s.session},
			{func() error { return s.session.SetPrefixes(nil) }, nil},
		} {
			check(t, step.change())
			for range 2 {
				sent, left := s.session.Counters().SentPackets, device.read.Load()
				elsewhere := s.other.Counters().SentPackets
				check(t, packets.Send(socket, packetToPeer(t, c.what)))
				if step.to == nil {
					awaitTrue(t, c.what, func() bool { return device.read.Load() == left+1 })
				}
				if got := s.session.Counters().SentPackets > sent; got != (step.to == s.session) {
					t.Errorf("%s, step %d: to the session: %v", c.what, n, got)
				}
				if got := s.other.Counters().SentPackets > elsewhere; got != (step.to == s.other) {
					t.Errorf("%s, step %d: to the other session: %v", c.what, n, got)
				}
			}
		}
	}
}

// packetToPeer returns a packet of package stages.
func packetToPeer(t *testing.T, what string) []byte {
	t.Helper()
	for _, c := range stages.ToPeer() {
		if c.What == what {
			return c.Packet
		}
	}
	t.Fatalf("there is no packet %q", what)
	return nil
}
