package ebpf

import (
	"net/netip"
	"testing"

	"github.com/cilium/ebpf"

	"upppoe/pppoe/datapath"
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
