package ebpf

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

// TestAttachRefuses: the error wraps ErrUnavailable.
func TestAttachRefuses(t *testing.T) {
	s := newNetwork(t)
	s.ends[0].do(func() error {
		if _, err := s.ends[0].engine.Attach("gone0"); !errors.Is(err, ErrUnavailable) {
			t.Errorf("no such interface: %v", err)
		}
		return nil
	})
}

// TestOpenRefuses: the error wraps ErrUnavailable, and names the map that the kernel refuses and its
// kind.
func TestOpenRefuses(t *testing.T) {
	roottest.Need(t)
	_, err := Open(Config{Sessions: 1 << 31})
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "map pppoe_devices (hash)") {
		t.Errorf("more sessions than memory: %v", err)
	}
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
	here.kernel.Remove() // after Close: no effect
}

// TestTwoEngines: two engines serve sessions on one interface, each as if exclusively. They do not
// interfere with each other, also when one closes, or when they have sessions with the same ID and
// peer in different VLANs.
func TestTwoEngines(t *testing.T) {
	s := newNetwork(t, withExclusive)
	e := s.ends[0]
	first, firstAt, second, secondAt := e.engine, e.at, (*Engine)(nil), (*Interface)(nil)
	e.do(func() (err error) {
		second, secondAt, err = openAttached(Config{Sessions: 64, Exclusive: true})
		return err
	})
	t.Cleanup(func() { second.Close() })
	var all [4][2]*sessionEnd
	all[0][0], all[0][1] = s.session(1, vlan.Stack{}, 1492)
	all[1][0], all[1][1] = s.vlanSession(2, vlan.Stack{}, 1492)
	e.engine, e.at = second, secondAt
	e.createPairs()
	all[2][0], all[2][1] = s.session(3, vlan.Stack{}, 1492)
	all[3][0], all[3][1] = s.vlanSession(4, vlan.Stack{{TPID: vlan.CTag, VID: 5}}, 1492)
	e.engine, e.at = first, firstAt
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
