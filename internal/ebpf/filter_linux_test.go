package ebpf

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/pppoe/vlan"
)

func withoutTCX(_ *station, cfg *Config) { cfg.noTCX = true }

// haveTCX reports whether the kernel has TCX.
func haveTCX(t *testing.T) bool {
	t.Helper()
	roottest.Need(t)
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	_, err = link.QueryPrograms(link.QueryOptions{Target: lo.Index, Attach: ingress})
	return err == nil
}

// clsactFilters returns the programs of our filters at an interface.
func clsactFilters(t testing.TB, index int, where ebpf.AttachType) (programs []int) {
	t.Helper()
	there, err := netlink.FilterList(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: index}}, clsactParents[where])
	if err != nil {
		return nil // there is no clsact
	}
	for _, f := range there {
		if b, ok := f.(*netlink.BpfFilter); ok && b.Name == filterName {
			programs = append(programs, b.Id)
		}
	}
	return programs
}

// receiveFilters returns the programs of our filters at the station's Ethernet interface.
func receiveFilters(e *station) (programs []int) {
	e.t.Helper()
	e.do(func() error {
		iface, err := net.InterfaceByName(ethernet)
		if err == nil {
			programs = clsactFilters(e.t, iface.Index, ingress)
		}
		return err
	})
	return programs
}

// TestProcessKilledClsact: a killed process leaves a filter that has no effect; the next process
// removes it, but no filter that is in use.
func TestProcessKilledClsact(t *testing.T) {
	e := killedProcess(t, childClsact)
	left := receiveFilters(e)
	if len(left) != 1 {
		t.Fatalf("%d filters are left, want 1", len(left))
	}
	// The kernel clears the array asynchronously.
	for end := time.Now().Add(10 * time.Second); !stale(left[0]); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the filter that is left still runs a program")
		}
	}
	var engines [2]*Engine
	for i := range engines {
		e.do(func() (err error) {
			engines[i], _, err = openAttached(Config{Sessions: 1, noTCX: true})
			return err
		})
		if now := receiveFilters(e); len(now) != i+1 || now[0] == left[0] {
			t.Errorf("with %d engines there are filters %v; %v was left", i+1, now, left)
		}
	}
	for i, engine := range engines {
		e.do(engine.Close)
		if now := receiveFilters(e); len(now) != len(engines)-i-1 {
			t.Errorf("after Close of %d engines there are filters %v", i+1, now)
		}
	}
}

// TestCloseClsact: an engine removes what it added, and nothing else.
func TestCloseClsact(t *testing.T) {
	for name, foreign := range map[string]bool{"alone": false, "with a foreign filter": true} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, withoutTCX)
			e := s.ends[0]
			if foreign {
				e.do(func() error { return addForeign(t, ethernet, tcxNext) })
			}
			e.do(e.engine.Close)
			e.do(func() error {
				qdiscs, err := netlink.QdiscList(mustLink(t, ethernet))
				clsact := false
				for _, q := range qdiscs {
					clsact = clsact || q.Type() == "clsact"
				}
				if clsact != foreign {
					t.Errorf("clsact exists: %v", clsact)
				}
				return err
			})
		})
	}
}

// TestForeignFiltersFirst: filters of other programs decide which packets leave by a session's
// device, and which reach our filter.
func TestForeignFiltersFirst(t *testing.T) {
	const pass = 0 // TC_ACT_OK: to the device, and so to user space
	for name, c := range map[string]struct {
		verdict int32
		kernel  bool
	}{"undecided": {tcxNext, true}, "pass": {pass, false}} {
		t.Run(name, func(t *testing.T) {
			s := newNetwork(t, withoutTCX)
			here, there := s.session(1, vlan.Stack{}, 1492)
			here.do(func() error { return addForeign(t, here.device.Name(), c.verdict) })
			before := here.kernel.Counters().SentPackets
			if _, err := here.ns.Ping(there.ipv4, 1, 5*time.Second); err != nil {
				t.Fatal(err)
			}
			if kernel := here.kernel.Counters().SentPackets > before; kernel != c.kernel {
				t.Errorf("sent in the kernel: %v, want %v", kernel, c.kernel)
			}
		})
	}
}

// TestIngressQdisc: where the ingress queueing discipline exists, an egress program is not
// attached, because it would run at ingress; an ingress program is attached.
func TestIngressQdisc(t *testing.T) {
	e := newNetwork(t, withoutTCX).ends[1]
	e.do(func() error {
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "other0"}}); err != nil {
			return err
		}
		other, err := netlink.LinkByName("other0")
		if err != nil {
			return err
		}
		err = netlink.QdiscAdd(&netlink.Ingress{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: other.Attrs().Index, Parent: netlink.HANDLE_INGRESS}})
		if err != nil {
			return err
		}
		if _, err := e.engine.hooks.attach(other.Attrs().Index, egress, e.engine.transmit, ""); err == nil || !strings.Contains(err.Error(), "ingress") {
			t.Errorf("at egress: %v", err)
		}
		attached, err := e.engine.hooks.attach(other.Attrs().Index, ingress, e.engine.transmit, "")
		if err != nil {
			t.Fatalf("at ingress: %v", err)
		}
		if n := len(clsactFilters(t, other.Attrs().Index, ingress)); n != 1 {
			t.Errorf("%d filters at ingress, want 1", n)
		}
		return attached.Close()
	})
}

func mustLink(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// addForeign adds a filter at the egress of an interface that is not ours; its program returns one
// verdict for all packets.
func addForeign(t *testing.T, name string, verdict int32) error {
	t.Helper()
	var h hooks
	defer h.close()
	program, err := h.load(ebpf.SchedCLS, 0, "foreign", asm.Instructions{asm.Mov.Imm(asm.R0, verdict), asm.Return()})
	if err != nil {
		return err
	}
	return netlink.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: mustLink(t, name).Attrs().Index, Parent: clsactParents[egress], Priority: 1, Protocol: unix.ETH_P_ALL},
		Fd:          program.FD(), Name: "foreign", DirectAction: true,
	})
}
