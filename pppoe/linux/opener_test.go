package linux

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"upppoe/internal/ebpf"
	"upppoe/internal/roottest"
	"upppoe/pppoe"
	"upppoe/pppoe/afpacket"
	"upppoe/pppoe/datapath"
	"upppoe/pppoe/vlan"
	"upppoe/test/lab"
)

// testNetwork is a namespace with an Ethernet interface, and an Opener for it.
type testNetwork struct {
	t  testing.TB
	ns *lab.Namespace
	*Opener
	offload datapath.Offload // of the attachment opened last
}

func open(t testing.TB, want datapath.Kind) *testNetwork {
	t.Helper()
	roottest.Need(t)
	ns, err := lab.NewNamespace()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	p := &testNetwork{t: t, ns: ns}
	p.ethernet()
	p.Opener = &Opener{DataPath: want, MaxSessions: 4, Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() { p.Close() })
	return p
}

// ethernet creates eth0, in place of an existing one.
func (p *testNetwork) ethernet() {
	p.t.Helper()
	p.ns.Run("ip", "link", "delete", "eth0")
	if err := lab.Veth(lab.End{In: p.ns, Name: "eth0"}, lab.End{In: p.ns, Name: "far0"}); err != nil {
		p.t.Fatal(err)
	}
}

// openAttachment opens an attachment until the end of the test, and reports whether the kernel
// moves its packets.
func (p *testNetwork) openAttachment(tags ...vlan.Tag) (kernel bool, err error) {
	return p.openAttachmentAfter(func() error { return nil }, tags...)
}

// openAttachmentAfter is openAttachment after a call on the same thread.
func (p *testNetwork) openAttachmentAfter(before func() error, tags ...vlan.Tag) (kernel bool, err error) {
	var stack vlan.Stack
	copy(stack[:], tags)
	var ports pppoe.Ports
	err = p.ns.Do(func() (err error) {
		if err := before(); err != nil {
			return err
		}
		ports, err = p.Open(afpacket.Attachment{Interface: "eth0", VLAN: stack})
		return err
	})
	if err == nil {
		p.t.Cleanup(func() { ports.Close() })
	}
	_, kernel = ports.Offload.(*ebpf.Link)
	p.offload = ports.Offload
	return kernel, err
}

func TestKernelIsChosen(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindAuto, datapath.KindKernel} {
		p := open(t, want)
		for _, tags := range [][]vlan.Tag{nil, {{TPID: vlan.CTag, VID: 7}}} {
			if kernel, err := p.openAttachment(tags...); err != nil || !kernel {
				t.Errorf("%v, tags %v: kernel %v, %v", want, tags, kernel, err)
			}
		}
		if len(p.attached) != 1 || !strings.HasPrefix(p.offload.Describe(), "receive in ") {
			t.Errorf("%v: %d interfaces, and it says %q", want, len(p.attached), p.offload.Describe())
		}
	}
}

func TestUserSpaceIsChosen(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindGSO, datapath.KindPlain} {
		p := open(t, want)
		if _, err := p.openAttachment(); err != nil || p.offload != nil {
			t.Errorf("%v: %v, with %v", want, err, p.offload)
		}
	}
}

// TestWithoutCapabilities: with KindAuto, a process that may not load eBPF programs uses user
// space, and each session reports why; with KindKernel, Open returns an error.
func TestWithoutCapabilities(t *testing.T) {
	p := open(t, datapath.KindKernel)
	if _, err := p.openAttachmentAfter(giveUpBPF); !errors.Is(err, ebpf.ErrUnavailable) || !errors.Is(err, unix.EPERM) {
		t.Errorf("kernel: %v", err)
	}
	p = open(t, datapath.KindAuto)
	if kernel, err := p.openAttachmentAfter(giveUpBPF); err != nil || kernel {
		t.Fatalf("auto: kernel %v, %v", kernel, err)
	}
	if _, err := p.offload.Add(datapath.SessionConfig{}); !errors.Is(err, ebpf.ErrUnavailable) {
		t.Errorf("the session reports %v", err)
	}
}

// giveUpBPF reduces the capabilities of the thread to those that containers have for PPPoE.
func giveUpBPF() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	network := uint32(1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW)
	data := [2]unix.CapUserData{{Effective: network, Permitted: network}}
	return unix.Capset(&header, &data[0])
}

// TestInterfaceComesBack: an interface that has been re-created is attached again.
func TestInterfaceComesBack(t *testing.T) {
	p := open(t, datapath.KindAuto)
	for i := range 3 {
		if kernel, err := p.openAttachment(); err != nil || !kernel {
			t.Fatalf("the %d. time: kernel %v, %v", i+1, kernel, err)
		}
		if len(p.attached) != 1 {
			t.Errorf("the %d. time: %d interfaces", i+1, len(p.attached))
		}
		p.ethernet()
	}
}

// TestUnavailableIsRemembered: a permanent error is remembered, for KindAuto and KindKernel, and
// reported for each attachment; a re-created interface is tried again, and so is a temporary error.
func TestUnavailableIsRemembered(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindAuto, datapath.KindKernel} {
		p := open(t, want)
		tries, why := 0, error(nil)
		p.openEngine = func(ebpf.Config) (*ebpf.Engine, error) {
			tries++
			return nil, fmt.Errorf("try %d: %w: %w", tries, ebpf.ErrUnavailable, why)
		}
		prepare := func() error { p.Prepare("eth0"); return nil }
		for _, c := range []struct {
			what   string
			before func() error
			why    error
			prefix string
		}{
			{"before rights are given up, and after", prepare, unix.EOPNOTSUPP, "try 1"},
			{"the second dial", prepare, unix.EOPNOTSUPP, "try 1"},
			{"an interface that has come back", func() error { p.ethernet(); return nil }, unix.EOPNOTSUPP, "try 2"},
			{"another that has no memory now", func() error { p.ethernet(); return nil }, unix.ENOMEM, "try 3"},
			{"and has some then", prepare, unix.EOPNOTSUPP, "try 4"},
			{"the last", prepare, unix.EOPNOTSUPP, "try 4"},
		} {
			why = c.why
			kernel, err := p.openAttachmentAfter(c.before)
			got := err
			if want == datapath.KindAuto {
				if err != nil {
					t.Fatal(err)
				}
				_, got = p.offload.Add(datapath.SessionConfig{})
			}
			if kernel || !errors.Is(got, c.why) || !strings.HasPrefix(fmt.Sprint(got), c.prefix+": ") {
				t.Errorf("%v, %s: kernel %v, error %v", want, c.what, kernel, got)
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("%v: %v", want, err)
		}
	}
}

// TestTriedAgainForNewInterface: the kernel may be able to move the packets of an interface after
// it has been re-created.
func TestTriedAgainForNewInterface(t *testing.T) {
	p := open(t, datapath.KindAuto)
	p.openEngine = func(ebpf.Config) (*ebpf.Engine, error) { return nil, ebpf.ErrUnavailable }
	if kernel, err := p.openAttachment(); err != nil || kernel {
		t.Fatalf("kernel %v, %v", kernel, err)
	}
	p.openEngine = nil
	if kernel, err := p.openAttachment(); err != nil || kernel {
		t.Errorf("the same interface: kernel %v, %v", kernel, err)
	}
	p.ethernet()
	if kernel, err := p.openAttachment(); err != nil || !kernel {
		t.Errorf("one that has come back: kernel %v, %v", kernel, err)
	}
}

// TestPreparedWhileDown: the result of Prepare for an interface that is down holds when it is up.
func TestPreparedWhileDown(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindAuto, datapath.KindKernel} {
		p := open(t, want)
		p.setLink(t, "down")
		if err := p.ns.Do(func() error { p.Prepare("eth0"); return nil }); err != nil {
			t.Fatal(err)
		}
		p.setLink(t, "up")
		if kernel, err := p.openAttachment(); err != nil || !kernel {
			t.Errorf("%v: kernel %v, %v", want, kernel, err)
		}
	}
}

func (p *testNetwork) setLink(t *testing.T, state string) {
	t.Helper()
	if out, err := p.ns.Run("ip", "link", "set", "eth0", state); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestTooManyPrograms: where the kernel accepts no more programs for an interface, user space moves
// the packets, the session reports it, and the next attachment tries again.
func TestTooManyPrograms(t *testing.T) {
	p := open(t, datapath.KindAuto)
	p.openEngine = func(ebpf.Config) (*ebpf.Engine, error) {
		return nil, fmt.Errorf("eth0: %w: program receive: %w", ebpf.ErrUnavailable, ebpf.ErrTooManyPrograms)
	}
	if kernel, err := p.openAttachment(); err != nil || kernel {
		t.Fatalf("kernel %v, %v", kernel, err)
	}
	if _, err := p.offload.Add(datapath.SessionConfig{}); !errors.Is(err, ebpf.ErrTooManyPrograms) {
		t.Errorf("the session reports %v", err)
	}
	p.openEngine = nil
	if kernel, err := p.openAttachment(); err != nil || !kernel {
		t.Errorf("the next one: kernel %v, %v", kernel, err)
	}
}
