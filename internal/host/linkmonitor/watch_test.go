package linkmonitor

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/pppoe/wire"
	"upppoe/test/lab"
)

// monitor watches an interface in a namespace.
type monitor struct {
	t      *testing.T
	ns     *lab.Namespace
	states chan state
	cancel func()
	done   chan error
}

// state is what one call of notify reports.
type state struct {
	is      pppoe.InterfaceState
	address wire.Addr
}

func startMonitor(t *testing.T, name string) *monitor {
	t.Helper()
	roottest.Need(t, "ip")
	ns, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	w := &monitor{t, ns, make(chan state), cancel, make(chan error, 1)}
	go func() {
		w.done <- ns.Do(func() error {
			return Watch(ctx, name, func(s pppoe.InterfaceState, a wire.Addr) { w.states <- state{s, a} })
		})
	}()
	return w
}

func (w *monitor) ip(words ...string) {
	w.t.Helper()
	if out, err := w.ns.Run("ip", words...); err != nil {
		w.t.Fatalf("ip %v: %v %s", words, err, out)
	}
}

// want waits for a state. Those in between may be reported before it.
func (w *monitor) want(is pppoe.InterfaceState, between ...pppoe.InterfaceState) (address wire.Addr) {
	w.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case s := <-w.states:
			if s.is == is {
				return s.address
			}
			if !slices.Contains(between, s.is) {
				w.t.Fatalf("it is %v, want %v", s.is, is)
			}
		case <-timeout:
			w.t.Fatalf("no report, want %v", is)
		}
	}
}

func (w *monitor) end() {
	w.t.Helper()
	w.cancel()
	if err := <-w.done; err != nil {
		w.t.Errorf("in the end: %v", err)
	}
}

// TestStates: an interface is added, goes up and down, loses its carrier, its name and itself, and
// comes back.
func TestStates(t *testing.T) {
	w := startMonitor(t, "eth0")
	w.want(pppoe.InterfaceGone)
	w.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
	w.want(pppoe.InterfaceDown)
	w.ip("link", "set", "eth0", "up")
	w.want(pppoe.InterfaceNoCarrier)
	w.ip("link", "set", "eth1", "up")
	w.want(pppoe.InterfaceUp)
	w.ip("link", "set", "eth1", "down")
	w.want(pppoe.InterfaceNoCarrier)
	w.ip("link", "set", "eth1", "up")
	w.want(pppoe.InterfaceUp)
	w.ip("link", "set", "eth0", "down")
	w.want(pppoe.InterfaceDown, pppoe.InterfaceNoCarrier)
	w.ip("link", "set", "eth0", "name", "wan")
	w.want(pppoe.InterfaceGone)
	w.ip("link", "property", "add", "dev", "wan", "altname", "eth0")
	w.ip("link", "property", "del", "dev", "wan", "altname", "eth0")
	w.ip("link", "set", "wan", "name", "eth0")
	w.want(pppoe.InterfaceDown)
	w.ip("link", "add", "br0", "type", "bridge")
	w.ip("link", "set", "eth0", "master", "br0")
	w.ip("link", "set", "eth0", "up")
	w.want(pppoe.InterfaceUp, pppoe.InterfaceNoCarrier)
	w.ip("link", "set", "eth0", "nomaster") // its bridge port is deleted, the interface is not
	w.ip("link", "del", "eth1")
	w.want(pppoe.InterfaceGone, pppoe.InterfaceNoCarrier, pppoe.InterfaceDown)
	w.end()
}

// TestAddress: the address is reported with the state, and again when it changes: also a bridge's
// that loses the port whose address it had.
func TestAddress(t *testing.T) {
	w := startMonitor(t, "br0")
	if a := w.want(pppoe.InterfaceGone); a != (wire.Addr{}) {
		t.Errorf("a nonexistent interface has the address %v", a)
	}
	w.ip("link", "add", "br0", "type", "bridge")
	w.want(pppoe.InterfaceDown)
	w.ip("link", "add", "p1", "address", "02:00:00:00:00:0a", "type", "veth", "peer", "name", "p3")
	w.ip("link", "add", "p2", "address", "02:00:00:00:00:0b", "type", "veth", "peer", "name", "p4")
	w.ip("link", "set", "p1", "master", "br0")
	if a := w.want(pppoe.InterfaceDown); a != (wire.Addr{2, 0, 0, 0, 0, 0x0a}) {
		t.Errorf("with one port it has the address %v", a)
	}
	w.ip("link", "set", "p2", "master", "br0")
	w.ip("link", "set", "p1", "nomaster")
	if a := w.want(pppoe.InterfaceDown); a != (wire.Addr{2, 0, 0, 0, 0, 0x0b}) {
		t.Errorf("with the other port it has the address %v", a)
	}
	w.ip("link", "set", "br0", "up")
	if a := w.want(pppoe.InterfaceNoCarrier); a != (wire.Addr{2, 0, 0, 0, 0, 0x0b}) {
		t.Errorf("when up, it has the address %v", a)
	}
	w.ip("link", "del", "br0")
	if a := w.want(pppoe.InterfaceGone, pppoe.InterfaceDown, pppoe.InterfaceNoCarrier); a != (wire.Addr{}) {
		t.Errorf("when removed, it has the address %v", a)
	}
	w.end()
}

// TestSubscriptionLost: when more changes than is read, the kernel ends the subscription; the
// final state is reported nevertheless.
func TestSubscriptionLost(t *testing.T) {
	w := startMonitor(t, "lo")
	err := w.ns.Do(func() error {
		link, errs := netlink.LinkByName("lo")
		for range 1000 { // while the monitor waits for us to read its first report
			errs = errors.Join(errs, netlink.LinkSetUp(link), netlink.LinkSetDown(link))
		}
		return errors.Join(errs, netlink.LinkSetUp(link))
	})
	if err != nil {
		t.Fatal(err)
	}
	last := pppoe.InterfaceGone
	for notify := true; notify; {
		quiet := 10 * time.Second // others follow
		if last == pppoe.InterfaceUp {
			quiet = time.Second // the reports come in one burst
		}
		select {
		case s := <-w.states:
			last = s.is
		case <-time.After(quiet):
			notify = false
		}
	}
	if last != pppoe.InterfaceUp {
		t.Errorf("last it was %v, want up", last)
	}
	w.ip("link", "set", "lo", "down")
	w.want(pppoe.InterfaceDown)
	w.end()
}

// TestCancelInNotify: Watch ends when notify cancels its context.
func TestCancelInNotify(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	err := Watch(ctx, "lo", func(pppoe.InterfaceState, wire.Addr) { calls++; cancel() })
	if err != nil || calls != 1 {
		t.Errorf("%d calls of notify, %v", calls, err)
	}
}
