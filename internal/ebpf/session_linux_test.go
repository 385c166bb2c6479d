package ebpf

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
	"upppoe/tun"
)

// TestFamilies: packets of a closed family are left to user space, in both directions.
func TestFamilies(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			for _, c := range []struct{ ipv4, ipv6 bool }{{true, false}, {false, true}, {false, false}, {true, true}} {
				there.kernel.SetFamilies(c.ipv4, c.ipv6)
				before, by := there.kernel.Counters(), [2]uint64{there.userSpace.received.Load(), there.userSpace.sent.Load()}
				if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
					t.Fatal(err)
				}
				if _, err := here.ns.Ping(there.ipv6, 2, time.Second); err != nil {
					t.Fatal(err)
				}
				var want uint64
				for _, open := range []bool{c.ipv4, c.ipv6} {
					if open {
						want++
					}
				}
				after := there.kernel.Counters()
				if after.ReceivedPackets-before.ReceivedPackets != want || after.SentPackets-before.SentPackets != want {
					t.Errorf("%+v: counters were %+v, are %+v", c, before, after)
				}
				if there.userSpace.received.Load()-by[0] != 2-want || there.userSpace.sent.Load()-by[1] != 2-want {
					t.Errorf("%+v: user space carried %d and %d", c, there.userSpace.received.Load()-by[0], there.userSpace.sent.Load()-by[1])
				}
			}
		})
	}
}

// TestSourceFilter: packets from the permitted prefixes are carried in the kernel; others are dropped
// and counted there.
func TestSourceFilter(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			of := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
			for _, c := range []struct {
				what       string
				from       *datapath.SourceFilter
				ipv4, ipv6 bool // packets that pass
			}{
				{"one address", datapath.NewSourceFilter(of(here.ipv4)), true, false},
				{"one address, and IPv6", datapath.NewSourceFilter(of(here.ipv4), of(here.ipv6)), true, true},
				{"another address", datapath.NewSourceFilter(of(there.ipv4)), false, false},
				{"two addresses", datapath.NewSourceFilter(of(here.ipv4), of(there.ipv4)), true, false},
				{"a prefix in another", datapath.NewSourceFilter(prefixes("10.0.0.0/8", "10.0.1.1/32", "fd00::/64", "fd00::1:0/112")...), true, true},
				{"prefixes of another", datapath.NewSourceFilter(prefixes("10.0.2.0/24", "fd00:1::/32")...), false, false},
				{"nowhere", datapath.NewSourceFilter(), false, false},
				{"nowhere but IPv6", datapath.NewSourceFilter(of(here.ipv6)), false, true},
				{"anywhere", nil, true, true},
			} {
				if err := there.kernel.SetSourceFilter(c.from); err != nil {
					t.Errorf("%s: %v", c.what, err)
				}
				for _, way := range []struct {
					to     netip.Addr
					passes bool
				}{{there.ipv4, c.ipv4}, {there.ipv6, c.ipv6}} {
					there.checkPing(here, way.to, way.passes, c.what)
				}
			}
			if n := there.userSpace.received.Load(); n != 0 {
				t.Errorf("user space has received %d packets", n)
			}
		})
	}
}

// checkPing sends an echo request from another end, which passes the kernel's source check, or is
// counted as spoofed.
func (t *sessionEnd) checkPing(from *sessionEnd, to netip.Addr, passes bool, what string) {
	t.t.Helper()
	before := t.kernel.Counters()
	want := before
	wait := time.Second
	if passes {
		want.ReceivedPackets++
	} else {
		want.Spoofed, want.Dropped, wait = want.Spoofed+1, want.Dropped+1, 10*time.Millisecond
	}
	if _, err := from.ns.Ping(to, 1, wait); (err == nil) != passes {
		t.t.Errorf("%s: ping %v: %v", what, to, err)
	}
	got := t.kernel.Counters()
	got.ReceivedBytes, got.SentPackets, got.SentBytes = before.ReceivedBytes, before.SentPackets, before.SentBytes
	if got != want {
		t.t.Errorf("%s: to %v: counted %+v, want %+v", what, to, got, want)
	}
}

// TestTwoSessions: each session has counters of its own, and a removed one is no longer carried.
func TestTwoSessions(t *testing.T) {
	s := newNetwork(t)
	here, there := s.session(1, vlan.Stack{}, 1492)
	other, _ := s.session(2, vlan.Stack{}, 1492)
	exchange(t, here, there, there.ipv4, 1<<20)
	if c := other.kernel.Counters(); c != (datapath.Counters{}) {
		t.Errorf("the other session has carried %+v", c)
	}
	carried := here.kernel.Counters()
	if got := here.kernel.Remove(); got != carried || got.SentBytes < 1<<20 {
		t.Errorf("Remove says %+v, Counters said %+v", got, carried)
	}
	here.kernel.SetFamilies(true, true) // no effect
	if got := here.kernel.Remove(); got != carried {
		t.Errorf("Remove again says %+v, want %+v", got, carried)
	}
	before := here.userSpace.sent.Load()
	if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
		t.Error(err)
	}
	if here.userSpace.sent.Load() != before+1 {
		t.Error("the removed session is still carried in the kernel")
	}
	here.add()
	if c := here.kernel.Counters(); c != (datapath.Counters{}) {
		t.Errorf("counters of a new session: %+v", c)
	}
}

// TestAddRefuses: each error of Add, after which nothing is left behind.
func TestAddRefuses(t *testing.T) {
	s := newNetwork(t, func(_ *station, cfg *Config) { cfg.Sessions = 1 })
	here, _ := s.session(1, vlan.Stack{}, 1492)
	here.do(func() error {
		if _, err := here.link.Add(here.userSpace.SessionConfig); !errors.Is(err, ErrExists) {
			t.Errorf("again: %v", err)
		}
		if _, err := here.at.Link(vlan.Stack{}, 0).Add(here.userSpace.SessionConfig); !errors.Is(err, ErrExists) {
			t.Errorf("again, on another Link: %v", err)
		}
		two := here.userSpace.SessionConfig
		two.SessionID = 2
		if _, err := here.link.Add(two); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		here.kernel.Remove()
		two.Device = missingDevice{two.Device}
		if _, err := here.link.Add(two); err == nil {
			t.Error("a nonexistent device is accepted")
		}
		return nil
	})
	here.add()
	if here.at.sessions.Len() != 1 {
		t.Errorf("%d sessions are left", here.at.sessions.Len())
	}
}

type missingDevice struct{ tun.Device }

func (missingDevice) Name() string { return "gone0" }

// TestOwnAddress: frames to an address other than the interface's are received.
func TestOwnAddress(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			s.ends[0].addr = wire.Addr{2, 0, 0, 0, 0, 0x11}
			here, there := s.session(1, vlan.Stack{}, 1492)
			exchange(t, here, there, there.ipv4, 1<<20)
			exchange(t, there, here, here.ipv6, 1<<20)
			if n := here.userSpace.received.Load(); n > 10 {
				t.Errorf("%d packets through user space", n)
			}
		})
	}
}

// TestDeviceMoved: user space carries a session whose device has been moved to another network
// namespace.
func TestDeviceMoved(t *testing.T) {
	s := newNetwork(t, withoutTimer)
	here, there := s.session(1, vlan.Stack{}, 1492)
	notLinear, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { notLinear.Close() })
	here.moveTo(notLinear)
	if err := notLinear.Do(func() error { return here.configure(1492) }); err != nil {
		t.Fatal(err)
	}
	here.kernel.SetFamilies(true, true) // changes nothing
	for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
		if _, err := notLinear.Ping(to, 1, 5*time.Second); err != nil {
			t.Error(err)
		}
	}
}
