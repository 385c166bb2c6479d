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

// testNetwork is a namespace with an Ethernet interface, and the lines that are opened there.
type testNetwork struct {
	t  testing.TB
	ns *lab.Namespace
	*Opener
	offload datapath.Offload // of the line opened last
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

// ethernet makes eth0, in the place of one that is there.
func (p *testNetwork) ethernet() {
	p.t.Helper()
	p.ns.Run("ip", "link", "delete", "eth0")
	if err := lab.Veth(lab.End{In: p.ns, Name: "eth0"}, lab.End{In: p.ns, Name: "far0"}); err != nil {
		p.t.Fatal(err)
	}
}

// openAttachment opens a line, closes it with the test, and reports whether the kernel moves its packets.
func (p *testNetwork) openAttachment(tags ...vlan.Tag) (kernel bool, err error) {
	return p.openAttachmentAfter(func() error { return nil }, tags...)
}

// openAttachmentAfter does something before, on the same thread.
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
		if len(p.engines) != 1 || !strings.HasPrefix(p.offload.Describe(), "receive in ") {
			t.Errorf("%v: %d engines, and it says %q", want, len(p.engines), p.offload.Describe())
		}
	}
}

func TestUserSpaceIsChosen(t *testing.T) {
	for _, want := range []datapath.Kind{datapath.KindOffload, datapath.KindPlain} {
		p := open(t, want)
		if _, err := p.openAttachment(); err != nil || p.offload != nil {
			t.Errorf("%v: %v, with %v", want, err, p.offload)
		}
	}
}

// TestWithoutCapabilities: a process that may not give the kernel programs does without, and each
// session is told why; but one that was told to says that it cannot.
func TestWithoutCapabilities(t *testing.T) {
	p := open(t, datapath.KindKernel)
	if _, err := p.openAttachmentAfter(giveUpBPF); !errors.Is(err, ebpf.ErrUnavailable) || !errors.Is(err, unix.EPERM) {
		t.Errorf("kernel: %v", err)
	}
	p = open(t, datapath.KindAuto)
	if kernel, err := p.openAttachmentAfter(giveUpBPF); err != nil || kernel {
		t.Fatalf("auto: kernel %v, %v", kernel, err)
	}
	if err := p.offload.Add(datapath.Session{SessionID: 1}); !errors.Is(err, ebpf.ErrUnavailable) {
		t.Errorf("the session is told %v", err)
	}
}

// giveUpBPF leaves a thread those capabilities that containers are given for PPPoE.
func giveUpBPF() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	network := uint32(1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW)
	data := [2]unix.CapUserData{{Effective: network, Permitted: network}}
	return unix.Capset(&header, &data[0])
}

// TestInterfaceComesBack: one that has gone and come is another, for which the kernel is
// told anew.
func TestInterfaceComesBack(t *testing.T) {
	p := open(t, datapath.KindAuto)
	for i := range 3 {
		if kernel, err := p.openAttachment(); err != nil || !kernel {
			t.Fatalf("the %d. time: kernel %v, %v", i+1, kernel, err)
		}
		if len(p.engines) != 1 {
			t.Errorf("the %d. time: %d engines", i+1, len(p.engines))
		}
		p.ethernet()
	}
}

// TestUnavailableIsRemembered: that the kernel cannot move an interface's packets is found out once,
// be it asked for by name or not, and each line is told why; but of an interface that has
// come back nothing is known, and what may pass is tried again.
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
			told   string
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
			told := err
			if want == datapath.KindAuto {
				if err != nil {
					t.Fatal(err)
				}
				told = p.offload.Add(datapath.Session{SessionID: 1})
			}
			if kernel || !errors.Is(told, c.why) || !strings.HasPrefix(fmt.Sprint(told), c.told+": ") {
				t.Errorf("%v, %s: kernel %v, told %v", want, c.what, kernel, told)
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("%v: %v", want, err)
		}
	}
}

// TestTriedAgainForNewInterface: an interface of which the kernel could not move packets, and that has come
// back, may be one of which it can.
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

// TestPreparedWhileDown: what is found out of an interface that is down holds when it is up.
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

// TestTooManyPrograms: where the kernel takes no more programs for an interface, user space moves the
// packets, the session is told so in words, and the next one tries again.
func TestTooManyPrograms(t *testing.T) {
	p := open(t, datapath.KindAuto)
	p.openEngine = func(ebpf.Config) (*ebpf.Engine, error) {
		return nil, fmt.Errorf("eth0: %w: program receive: %w", ebpf.ErrUnavailable, ebpf.ErrTooManyPrograms)
	}
	if kernel, err := p.openAttachment(); err != nil || kernel {
		t.Fatalf("kernel %v, %v", kernel, err)
	}
	if err := p.offload.Add(datapath.Session{SessionID: 1}); !errors.Is(err, ebpf.ErrTooManyPrograms) {
		t.Errorf("the session is told %v", err)
	}
	p.openEngine = nil
	if kernel, err := p.openAttachment(); err != nil || !kernel {
		t.Errorf("the next one: kernel %v, %v", kernel, err)
	}
}
