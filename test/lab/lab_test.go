package lab_test

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

func namespace(t *testing.T) *lab.Namespace {
	t.Helper()
	n, err := lab.NewNamespace()
	check(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantReachable checks that an address can be pinged from a namespace.
func wantReachable(t *testing.T, from *lab.Namespace, to string) {
	t.Helper()
	took, err := from.Ping(netip.MustParseAddr(to), 1, 5*time.Second)
	if err != nil || took <= 0 {
		t.Errorf("%s answers after %v: %v", to, took, err)
	}
}

func TestVethAndPing(t *testing.T) {
	roottest.Need(t)
	a, b := namespace(t), namespace(t)
	check(t, lab.Veth(lab.End{In: a, Name: "left", MAC: "02:00:5e:00:53:01"}, lab.End{In: b, Name: "right"}))
	check(t, a.Address("left", "192.0.2.1/24"))
	check(t, b.Address("right", "192.0.2.2/24"))
	wantReachable(t, b, "192.0.2.1")
	wantReachable(t, a, "192.0.2.2")
	wantReachable(t, b, "fe80::5eff:fe00:5301%right")
	if _, err := b.Ping(netip.MustParseAddr("192.0.2.3"), 1, 0); err == nil {
		t.Error("an unassigned address answers")
	}
}

// tap makes a persistent TAP device, which identifies a namespace.
func tap(in *lab.Namespace, name string) error {
	return in.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = name
		return netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP, Flags: netlink.TUNTAP_ONE_QUEUE | netlink.TUNTAP_NO_PI})
	})
}

func TestBridgeJoins(t *testing.T) {
	roottest.Need(t)
	a, b, wire := namespace(t), namespace(t), namespace(t)
	check(t, lab.Veth(lab.End{In: a, Name: "eth0"}, lab.End{In: wire, Name: "porta"}))
	check(t, lab.Veth(lab.End{In: b, Name: "eth0"}, lab.End{In: wire, Name: "portb"}))
	check(t, tap(wire, "tap0"))
	check(t, wire.Bridge("br0", "porta", "tap0"))
	check(t, wire.AddBridgePorts("br0", "portb"))
	check(t, a.Address("eth0", "192.0.2.1/24"))
	check(t, b.Address("eth0", "192.0.2.2/24"))
	wantReachable(t, a, "192.0.2.2")
	if err := wire.AddBridgePorts("br0", "nosuch"); err == nil || !strings.Contains(err.Error(), "nosuch") {
		t.Errorf("a nonexistent port is added: %v", err)
	}
}

func TestProgramInNamespace(t *testing.T) {
	roottest.Need(t)
	n := namespace(t)
	check(t, tap(n, "only-here"))
	out, err := n.Run("cat", "/proc/self/net/dev")
	check(t, err)
	if !strings.Contains(out, "only-here") {
		t.Errorf("a program in the namespace does not see its tap:\n%s", out)
	}
	dev, err := os.ReadFile("/proc/thread-self/net/dev")
	check(t, err)
	if strings.Contains(string(dev), "only-here") {
		t.Errorf("the test itself is in the namespace:\n%s", dev)
	}
	check(t, n.Close())
	check(t, n.Close())
}

// TestBindMountIsPrivate: only the program sees its bind mount.
func TestBindMountIsPrivate(t *testing.T) {
	roottest.Need(t)
	from, over := t.TempDir(), t.TempDir()
	check(t, os.WriteFile(filepath.Join(from, "file"), []byte("from the source"), 0o600))
	n := namespace(t)
	var out strings.Builder
	cmd := exec.Command("cat", filepath.Join(over, "file"))
	cmd.Stdout = &out
	check(t, n.Start(cmd, lab.BindMount{Source: from, Target: over}))
	if err := cmd.Wait(); err != nil || out.String() != "from the source" {
		t.Errorf("the program reads %q: %v", &out, err)
	}
	if _, err := os.Stat(filepath.Join(over, "file")); err == nil {
		t.Error("the test itself sees the bind mount")
	}
}
