package ebpf

import (
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

// TestOffloadsChange: the offload settings of the interface may change at any time, on a veth pair
// also with those of the peer. Frames are correct before and after.
func TestOffloadsChange(t *testing.T) {
	roottest.Need(t, "ethtool")
	s := newNetwork(t)
	here, there := s.session(1, vlan.Stack{}, 1492)
	for _, c := range []struct {
		words []string
		want  uint32
	}{
		{nil, 0},
		{[]string{"tso", "off"}, softwareGSO},
		{[]string{"tso", "on"}, 0},
		{[]string{"tx", "off"}, softwareGSO},
	} {
		for _, e := range s.ends {
			if c.words != nil {
				ethtoolSet(c.words...)(e, nil)
			}
			awaitOffloads(t, e.at, c.want)
		}
		w := there.capture()
		exchange(t, here, there, there.ipv4, 2<<20)
		exchange(t, there, here, here.ipv6, 2<<20)
		filled := c.words != nil && c.words[0] == "tx"
		there.checkCapture(w, filled)
		if filled && w.Frames < 1000 {
			t.Errorf("%v: %d frames", c.words, w.Frames)
		}
		if w.MaxLen > 1514 {
			t.Errorf("%v: a frame of %d octets", c.words, w.MaxLen)
		}
	}
}

// TestNetlinkOverrun: after the kernel has dropped netlink messages (ENOBUFS), the engine handles
// those that follow.
func TestNetlinkOverrun(t *testing.T) {
	roottest.Need(t, "ethtool")
	s := newNetwork(t, withoutTimer)
	e := s.ends[0]
	e.engine.mu.Lock() // blocks the handler at the first message about an interface that is down
	e.do(func() error {
		down := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "down0"}}
		if err := netlink.LinkAdd(down); err != nil {
			return err
		}
		for i := range 500 {
			if err := netlink.LinkSetMTU(down, 1000+i); err != nil {
				return err
			}
		}
		return nil
	})
	e.engine.mu.Unlock()
	for _, c := range []struct {
		word string
		want uint32
	}{{"off", softwareGSO}, {"on", 0}} {
		ethtoolSet("tso", c.word)(e, nil)
		awaitOffloads(t, e.at, c.want)
	}
}

func awaitOffloads(t *testing.T, e *Interface, want uint32) {
	t.Helper()
	for until := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		if got := e.currentOffloadFlags(); got == want {
			return
		} else if time.Now().After(until) {
			t.Fatalf("offloads are %#x, want %#x", got, want)
		}
	}
}
