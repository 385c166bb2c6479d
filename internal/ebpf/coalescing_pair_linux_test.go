package ebpf

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

// statistics returns the kernel's counter of received packets of the station: of IPv4 or IPv6, GSO
// packets as one, with those for other hosts.
func (e *station) statistics(ipv4 bool) (n uint64) {
	e.t.Helper()
	e.do(func() error {
		file := "/proc/thread-self/net/snmp6"
		if ipv4 {
			file = "/proc/thread-self/net/snmp"
		}
		b, err := os.ReadFile(file)
		for _, line := range strings.Split(string(b), "\n") {
			switch f := strings.Fields(line); {
			case ipv4 && len(f) > 3 && f[0] == "Ip:" && f[3] != "InReceives":
				n, err = strconv.ParseUint(f[3], 10, 64)
			case len(f) == 2 && f[0] == "Ip6InReceives":
				n, err = strconv.ParseUint(f[1], 10, 64)
			}
		}
		return err
	})
	return n
}

// coalesces has one end send to another, which counts each packet, and reports how many packets were
// one for its host, on average.
func coalesces(t *testing.T, from, at *sessionEnd, to netip.Addr, counted func() uint64) float64 {
	t.Helper()
	packets, received := counted(), at.statistics(to.Is4())
	exchange(t, from, at, to, 8<<20)
	return float64(counted()-packets) / float64(at.statistics(to.Is4())-received)
}

// TestCoalescing: the kernel coalesces long TCP packets of both families, in VLANs or not, after
// they have been counted one by one.
func TestCoalescing(t *testing.T) {
	for _, setup := range []struct {
		name    string
		tags    vlan.Stack
		prepare []func(*station, *Config)
	}{
		{"untagged", vlan.Stack{}, nil},
		{"VLAN", vlan.Stack{tag7}, nil},
		{"QinQ", vlan.Stack{tag8, tag7}, nil},
		{"checksums complete", vlan.Stack{}, []func(*station, *Config){ethtoolSet("tx", "off")}},
		{"no TCX", vlan.Stack{}, []func(*station, *Config){withoutTCX}},
	} {
		t.Run(setup.name, func(t *testing.T) {
			roottest.Need(t, "ethtool")
			s := newNetwork(t, setup.prepare...)
			here, there := s.vlanSession(1, setup.tags, 1480)
			for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
				ratio := coalesces(t, here, there, to, func() uint64 { return there.kernel.Counters().ReceivedPackets })
				if ratio < 2 {
					t.Errorf("to %v: %.1f packets are coalesced on average", to, ratio)
				}
			}
		})
	}
}

// TestCoalescingShared: so are those of sessions that share a device, to the host and from one client
// to another.
func TestCoalescingShared(t *testing.T) {
	h := newHub(t, hubConfig{tags: [2]vlan.Stack{{tag7}, {}}})
	for i, client := range h.clients {
		other := h.clients[1-i]
		received := func() uint64 { return h.counted(i).ReceivedPackets }
		for _, ipv4 := range []bool{true, false} {
			hub, peer := h.ipv6, other.ipv6
			if ipv4 {
				hub, peer = h.ipv4, other.ipv4
			}
			if ratio := coalesces(t, client, h.sessionEnd, hub, received); ratio < 2 {
				t.Errorf("client %d: %.1f packets to %v are coalesced on average", i, ratio, hub)
			}
			exchange(t, client, other, peer, 2<<20)
		}
	}
}

// TestCoalescingUnderLoad: the pair is created under load and not before, and carries nothing but
// long TCP packets. It is removed after a long time without load.
func TestCoalescingUnderLoad(t *testing.T) {
	var notices []string
	s := newNetwork(t, withoutTimer, func(e *station, cfg *Config) {
		if e.addr == addrs[1] {
			cfg.Notify = func(text string) { notices = append(notices, text) }
		}
	})
	here, there := s.session(1, vlan.Stack{}, 1492)
	before := there.interfaces()
	exchange(t, here, there, there.ipv4, 1<<20)
	there.checkLoad()
	if n := there.interfaces(); n != before {
		t.Fatalf("without load, there are %d interfaces, and were %d", n, before)
	}
	exchange(t, here, there, there.ipv4, 16<<20)
	there.checkLoad()
	if n := there.interfaces(); n != before+2 || !there.uses(&there.at.coalescing) {
		t.Fatalf("under load, there are %d interfaces, and were %d", n, before)
	}
	if len(notices) != 1 || !strings.Contains(notices[0], "many long TCP packets: created pppoegro0 and pppoegro0rx") {
		t.Errorf("the log says %q", notices)
	}
	for _, to := range []netip.Addr{there.ipv4, there.ipv6} {
		if out, err := pingOnce(here, to, 1400); err != nil {
			t.Errorf("%v: %v: %s", to, err, out)
		}
		datagrams(t, here, there, to)
	}
	if n := there.sentByPair(); n != 0 {
		t.Errorf("the pair has carried %d packets other than TCP's", n)
	}
	exchange(t, here, there, there.ipv4, 1<<20)
	if there.sentByPair() == 0 {
		t.Error("the pair has carried nothing")
	}
	for range idleLimit {
		there.checkLoad()
	}
	exchange(t, here, there, there.ipv4, 1<<20)
	if there.uses(&there.at.coalescing) || there.interfaces() != before+2 {
		t.Error("without load, the pair is used, or removed while it may still have packets")
	}
	if there.checkLoad(); there.interfaces() != before {
		t.Error("the pair was not removed")
	}
}

// sentByPair returns the number of packets that entered the coalescing pair.
func (e *station) sentByPair() (n uint64) {
	e.t.Helper()
	e.do(func() error {
		l, err := netlink.LinkByName("pppoegro0")
		if err == nil {
			n = l.Attrs().Statistics.TxPackets
		}
		return err
	})
	return n
}

// TestCoalescingPairSetDown: no packet is lost when another program sets a device of the pair down.
func TestCoalescingPairSetDown(t *testing.T) {
	roottest.Need(t, "ip")
	for _, words := range [][]string{
		{"link", "set", "pppoegro0", "down"},
		{"link", "set", "pppoegro0rx", "down"},
		{"link", "delete", "pppoegro0"},
	} {
		notices := make(chan string, 16)
		s := newNetwork(t, withoutTimer, func(_ *station, cfg *Config) {
			cfg.Notify = func(text string) { notices <- text }
		})
		here, there := s.session(1, vlan.Stack{}, 1492)
		there.createPair(&there.at.coalescing)
		<-notices
		sh(t, there.ns, "ip", words...)
		select {
		case text := <-notices:
			if !strings.Contains(text, "set down or removed") {
				t.Errorf("%v: the log says: %s", words, text)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%v: the log says nothing", words)
		}
		exchange(t, here, there, there.ipv4, 1<<20)
	}
}

// TestCoalescingPairLeftOver: a pair that a killed process has left carries nothing, and the next
// process removes it, but not the pairs of running ones, nor a device of another kind.
func TestCoalescingPairLeftOver(t *testing.T) {
	s := newNetwork(t, withoutTimer)
	here := s.ends[0]
	pair := func() *coalescingPair {
		return &coalescingPair{queues: 1, ethtool: here.engine.ethtool}
	}
	var running, killed, next coalescingPair
	here.do(func() error {
		for _, p := range []*coalescingPair{&running, &killed} {
			*p = *pair()
			check(t, p.prepare(&here.at.hooks, here.at.coalescing.program))
			_, err := p.create()
			check(t, err)
		}
		return nil
	})
	sh(t, here.ns, "ip", "link", "add", "pppoegro2", "type", "bridge")
	if names := here.names(); !names["pppoegro0rx"] || !names["pppoegro1rx"] {
		t.Fatalf("the devices are %v", names)
	}
	killed.release() // as the kernel does
	killed.attached.Close()
	here.do(func() error {
		next = *pair()
		return next.prepare(&here.at.hooks, here.at.coalescing.program)
	})
	if names := here.names(); !names["pppoegro0rx"] || names["pppoegro1rx"] {
		t.Errorf("after the next has started, the devices are %v", names)
	}
	here.do(func() error {
		_, err := next.create()
		return err
	})
	third := *pair()
	here.do(func() error {
		check(t, third.prepare(&here.at.hooks, here.at.coalescing.program))
		_, err := third.create()
		return err
	})
	if names := here.names(); !names["pppoegro1rx"] || !names["pppoegro2"] || !names["pppoegro3rx"] {
		t.Errorf("with two more, the devices are %v", names)
	}
	for _, p := range []*coalescingPair{&running, &next, &third} {
		check(t, p.close())
	}
	if names := here.names(); len(names) != 3 || !names["pppoegro2"] { // and lo and eth0
		t.Errorf("in the end, the devices are %v", names)
	}
}

// names returns the names of the station's interfaces.
func (e *station) names() map[string]bool {
	e.t.Helper()
	all := make(map[string]bool)
	e.do(func() error {
		links, err := netlink.LinkList()
		for _, l := range links {
			all[l.Attrs().Name] = true
		}
		return err
	})
	return all
}

// TestCoalescingNotInXDP: an interface whose frames are stripped in XDP coalesces them itself.
func TestCoalescingNotInXDP(t *testing.T) {
	s := newNetwork(t, withoutTimer, withExclusive)
	here, there := s.session(1, vlan.Stack{}, 1492)
	before := there.interfaces()
	exchange(t, here, there, there.ipv4, 16<<20)
	there.checkLoad()
	if n := there.interfaces(); n != before {
		t.Errorf("there are %d interfaces, and were %d", n, before)
	}
}
