package ebpf

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
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
				there.link.SetFamilies(1, c.ipv4, c.ipv6)
				before, by := there.link.Counters(1), [2]uint64{there.userSpace.received.Load(), there.userSpace.sent.Load()}
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
				after := there.link.Counters(1)
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

// TestSourceFilter: IPv4 packets from a single permitted address are carried in the kernel; all
// others are left to user space to check.
func TestSourceFilter(t *testing.T) {
	for name, prepare := range map[string][]func(*station, *Config){"TC": nil, "XDP": {withExclusive}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, prepare...)
			here, there := s.session(1, vlan.Stack{}, 1492)
			of := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
			for _, c := range []struct {
				what       string
				from       *datapath.SourceFilter
				ipv4, ipv6 uint64 // packets that the kernel moves
				says       error
			}{
				{"one address", datapath.NewSourceFilter(of(here.ipv4)), 1, 0, nil},
				{"one address, and IPv6", datapath.NewSourceFilter(of(here.ipv4), of(here.ipv6)), 1, 0, errIPv6Filtered},
				{"another address", datapath.NewSourceFilter(of(there.ipv4)), 0, 0, nil},
				{"two addresses", datapath.NewSourceFilter(of(here.ipv4), of(there.ipv4)), 0, 0, errAllFiltered},
				{"nowhere", datapath.NewSourceFilter(), 0, 0, nil},
				{"nowhere but IPv6", datapath.NewSourceFilter(of(here.ipv6)), 0, 0, errIPv6Filtered},
				{"anywhere", nil, 1, 1, nil},
			} {
				if err := there.link.SetSourceFilter(1, c.from); !errors.Is(err, c.says) {
					t.Errorf("%s: it says %v, want %v", c.what, err, c.says)
				}
				for _, way := range []struct {
					to   netip.Addr
					want uint64
				}{{there.ipv4, c.ipv4}, {there.ipv6, c.ipv6}} {
					before, by := there.link.Counters(1), there.userSpace.received.Load()
					if _, err := here.ns.Ping(way.to, 1, time.Second); err != nil {
						t.Fatal(err)
					}
					after, left := there.link.Counters(1), there.userSpace.received.Load()-by
					if got := after.ReceivedPackets - before.ReceivedPackets; got != way.want || left != 1-way.want {
						t.Errorf("%s: of a packet to %v, the kernel carried %d and user space %d; want %d by the kernel", c.what, way.to, got, left, way.want)
					}
					if after.SentPackets == before.SentPackets {
						t.Errorf("%s: packets are no longer sent in the kernel", c.what)
					}
				}
			}
			if err := there.link.SetSourceFilter(2, nil); err != nil {
				t.Errorf("a nonexistent session: %v", err)
			}
		})
	}
}

// TestTwoSessions: each session has counters of its own, and a removed one is no longer carried.
func TestTwoSessions(t *testing.T) {
	s := newNetwork(t)
	here, there := s.session(1, vlan.Stack{}, 1492)
	other, _ := s.session(2, vlan.Stack{}, 1492)
	exchange(t, here, there, there.ipv4, 1<<20)
	if c := other.link.Counters(2); c != (datapath.Counters{}) {
		t.Errorf("the other session has carried %+v", c)
	}
	carried := here.link.Counters(1)
	if got := here.link.Remove(1); got != carried || got.SentBytes < 1<<20 {
		t.Errorf("Remove says %+v, Counters said %+v", got, carried)
	}
	if got := here.link.Remove(1); got != (datapath.Counters{}) {
		t.Errorf("Remove of nothing says %+v", got)
	}
	before := here.userSpace.sent.Load()
	if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
		t.Error(err)
	}
	if here.userSpace.sent.Load() != before+1 {
		t.Error("the removed session is still carried in the kernel")
	}
	here.do(func() error { return here.link.Add(here.userSpace.Session) })
	if c := here.link.Counters(1); c != (datapath.Counters{}) {
		t.Errorf("counters of a new session: %+v", c)
	}
}

// TestTwoEngines: two engines serve sessions on one interface, each as if exclusively. They do not
// interfere with each other, also when one closes, or when they have sessions with the same ID and
// peer in different VLANs.
func TestTwoEngines(t *testing.T) {
	s := newNetwork(t, withExclusive)
	e := s.ends[0]
	first, second := e.engine, (*Engine)(nil)
	e.do(func() (err error) {
		second, err = Open(Config{Interface: ethernet, Sessions: 64, Exclusive: true})
		return err
	})
	t.Cleanup(func() { second.Close() })
	var all [4][2]*sessionEnd
	all[0][0], all[0][1] = s.session(1, vlan.Stack{}, 1492)
	all[1][0], all[1][1] = s.vlanSession(2, vlan.Stack{}, 1492)
	e.engine = second
	e.createPair()
	all[2][0], all[2][1] = s.session(3, vlan.Stack{}, 1492)
	all[3][0], all[3][1] = s.vlanSession(4, vlan.Stack{{TPID: vlan.CTag, VID: 5}}, 1492)
	e.engine = first
	exchangeAll := func() {
		for _, ends := range all {
			exchange(t, ends[0], ends[1], ends[1].ipv4, 1<<20)
			exchange(t, ends[1], ends[0], ends[0].ipv6, 1<<20)
		}
	}
	exchangeAll()
	for i, ends := range all {
		if n := ends[0].userSpace.received.Load() + ends[0].userSpace.sent.Load(); n > 100 {
			t.Errorf("session number %d: %d packets through user space", i+1, n)
		}
	}
	first.Close()
	exchangeAll()
}

// TestAddRefuses: each error of Add, after which nothing is left behind.
func TestAddRefuses(t *testing.T) {
	s := newNetwork(t, func(_ *station, cfg *Config) { cfg.Sessions = 1 })
	here, _ := s.session(1, vlan.Stack{}, 1492)
	here.do(func() error {
		if err := here.link.Add(here.userSpace.Session); !errors.Is(err, ErrExists) {
			t.Errorf("again: %v", err)
		}
		if err := here.engine.Link(vlan.Stack{}, 0).Add(here.userSpace.Session); !errors.Is(err, ErrExists) {
			t.Errorf("again, on another Link: %v", err)
		}
		two := here.userSpace.Session
		two.SessionID = 2
		if err := here.link.Add(two); !errors.Is(err, ErrFull) {
			t.Errorf("one too many: %v", err)
		}
		here.link.Remove(1)
		two.Device = missingDevice{two.Device}
		if err := here.link.Add(two); err == nil {
			t.Error("a nonexistent device is accepted")
		}
		return here.link.Add(here.userSpace.Session)
	})
	if len(here.engine.ambiguous) != 1 {
		t.Errorf("%d sessions are left", len(here.engine.ambiguous))
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

// TestOpenRefuses: the error wraps ErrUnavailable.
func TestOpenRefuses(t *testing.T) {
	s := newNetwork(t)
	s.ends[0].do(func() error {
		if _, err := Open(Config{Interface: "gone0"}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("no such interface: %v", err)
		}
		return nil
	})
}

// TestClose: programs are detached, and devices removed.
func TestClose(t *testing.T) {
	s := newNetwork(t, withExclusive)
	here, there := s.session(1, vlan.Stack{}, 1492)
	if n := attached(t, here.station, here.device.Name()); n != 3 {
		t.Fatalf("%d programs are attached, want 3", n)
	}
	if err := here.engine.Close(); err != nil {
		t.Error(err)
	}
	if n := attached(t, here.station, here.device.Name()); n != 0 {
		t.Errorf("%d programs are left", n)
	}
	here.do(func() error {
		interfaces, err := net.Interfaces()
		if len(interfaces) != 3 { // lo, eth0, ppp0
			t.Errorf("left: %v", interfaces)
		}
		return err
	})
	if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
		t.Errorf("through user space: %v", err)
	}
	here.link.Remove(1) // after Close: no effect
}

// TestShaping: user space sends the packets of a device with a shaper or filters, which the kernel
// data path would bypass.
func TestShaping(t *testing.T) {
	roottest.Need(t, "tc")
	notices := make(chan string, 16)
	s := newNetwork(t, withoutTimer, func(e *station, cfg *Config) {
		if e.addr == addrs[0] {
			cfg.Notify = func(text string) { notices <- text }
		}
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	for _, c := range []struct {
		tc     string
		kernel bool
		says   string // empty: nothing
	}{
		{"qdisc add dev DEV root pfifo", true, ""},
		{"qdisc replace dev DEV root tbf rate 100mbit burst 20k latency 10ms", false, "tbf"},
		{"qdisc del dev DEV root", true, "in the kernel again"},
		{"qdisc add dev DEV ingress", true, ""},
		{"qdisc del dev DEV ingress", true, ""},
		{"qdisc add dev DEV clsact", false, "clsact"},
		{"qdisc del dev DEV clsact", true, "in the kernel again"},
	} {
		words := strings.Fields(strings.ReplaceAll(c.tc, "DEV", here.device.Name()))
		sh(t, here.ns, "tc", words...)
		if c.says != "" {
			select {
			case text := <-notices:
				if !strings.Contains(text, c.says) {
					t.Errorf("%s: the log says: %s", c.tc, text)
				}
			case <-time.After(5 * time.Second):
				t.Fatalf("%s: the log says nothing", c.tc)
			}
		}
		before := here.userSpace.sent.Load()
		if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
			t.Errorf("%s: %v", c.tc, err)
		}
		if got := here.userSpace.sent.Load() == before; got != c.kernel {
			t.Errorf("%s: sent in the kernel: %v", c.tc, got)
		}
	}
}

// TestShapedBeforeAdd: the same with a queueing discipline that the device has before its session
// is added, as by a script that runs when the session begins.
func TestShapedBeforeAdd(t *testing.T) {
	roottest.Need(t, "tc")
	s := newNetwork(t, withoutTimer)
	here, there := s.session(1, vlan.Stack{}, 1492)
	for _, c := range []struct {
		add, del string
		kernel   bool
	}{
		{"root tbf rate 100mbit burst 20k latency 10ms", "root", false},
		{"clsact", "clsact", false},
		{"root pfifo", "root", true},
		{"ingress", "ingress", true},
	} {
		here.link.Remove(here.id)
		change := func(word, what string) {
			sh(t, here.ns, "tc", append([]string{"qdisc", word, "dev", here.device.Name()}, strings.Fields(what)...)...)
		}
		change("add", c.add)
		here.do(func() error {
			return here.link.Add(datapath.Session{SessionID: here.id, Local: here.addr, Peer: there.addr, Device: here.device})
		})
		here.link.SetFamilies(here.id, true, true)
		kernel := !c.kernel
		// Earlier messages may arrive in between.
		for until := time.Now().Add(5 * time.Second); kernel != c.kernel && time.Now().Before(until); {
			before := here.userSpace.sent.Load()
			if _, err := here.ns.Ping(there.ipv4, 1, time.Second); err != nil {
				t.Errorf("%s: %v", c.add, err)
			}
			kernel = here.userSpace.sent.Load() == before
		}
		if kernel != c.kernel {
			t.Errorf("%s: sent in the kernel: %v", c.add, kernel)
		}
		change("del", c.del)
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
	here.link.SetFamilies(here.id, true, true) // changes nothing
	for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
		if _, err := notLinear.Ping(to, 1, 5*time.Second); err != nil {
			t.Error(err)
		}
	}
}

// TestExclusive: an exclusive interface is configured for PPPoE, and restored afterwards. Its other
// settings do not change.
func TestExclusive(t *testing.T) {
	roottest.Need(t, "ethtool")
	s := newNetwork(t, ethtoolSet("gro", "off", "tx-tcp-mangleid-segmentation", "off"))
	e := s.ends[0]
	if err := e.engine.Close(); err != nil {
		t.Fatal(err)
	}
	before := e.features()
	e.do(func() (err error) {
		e.engine, err = Open(Config{Interface: ethernet, Sessions: 4, Exclusive: true})
		return err
	})
	during := e.features()
	for word, want := range map[string]bool{
		"tx-tcp-segmentation": false, "tx-tcp6-segmentation": false, "tx-tcp-mangleid-segmentation": false,
		"tx-udp-segmentation": true, "rx-gro": true, "tx-checksum-ip-generic": true,
	} {
		if got := during.enabled(word); got != want {
			t.Errorf("%s is %v while open", word, got)
		}
	}
	if description := e.engine.Describe(); description != "receive in XDP" {
		t.Errorf("description: %s", description)
	}
	if err := e.engine.Close(); err != nil {
		t.Error(err)
	}
	if after := e.features(); after.active != before.active {
		t.Errorf("features were %x, are %x", before.active, after.active)
	}
}

// TestFixedFeature: a feature that the driver keeps fixed is reported and not restored.
func TestFixedFeature(t *testing.T) {
	s := newNetwork(t)
	o := ownership{name: "lo", index: 1} // whose features are fixed
	s.ends[0].do(func() error {
		e := s.ends[0].engine
		if err := o.set(e.ethtool, []string{"tx-checksum-ip-generic"}, false); !errors.Is(err, errFixed) {
			t.Errorf("the error is %v", err)
		}
		return o.restore(e.ethtool)
	})
	if len(o.changes) > 0 {
		t.Errorf("switched: %v", o.changes)
	}
}

// features returns the features of the Ethernet interface.
func (e *station) features() (f *features) {
	e.t.Helper()
	e.do(func() error {
		t, err := openEthtool()
		if err != nil {
			return err
		}
		defer t.close()
		f, err = t.features(ethernet)
		return err
	})
	return f
}
