package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"upppoe/internal/roottest"
	"upppoe/test/lab"
)

// programsEnv is the environment variable that is set in a guest, to the directory of the compiled
// programs.
const programsEnv = "UPPPOE_GUEST_PROGRAMS"

// Inside reports whether this process runs in a guest, as a test that Kernels runs there.
func Inside() bool { return os.Getenv(programsEnv) != "" }

// Build compiles commands of the project like lab.Build, and what Kernels needs to run the tests of
// a package in a guest. It returns their directory, and a function that removes it. In a guest it
// returns the host's directory.
func Build(root, pkg string, commands ...string) (dir string, remove func(), err error) {
	if Inside() {
		return os.Getenv(programsEnv), func() {}, nil
	}
	if dir, err = os.MkdirTemp("", "upppoe-"+filepath.Base(pkg)+"-"); err != nil {
		return "", func() {}, err
	}
	remove = func() { os.RemoveAll(dir) }
	err = lab.Build(root, dir, append(commands, "./test/guest/umlrun")...)
	if err == nil {
		err = lab.BuildTests(root, dir, pkg)
	}
	return dir, remove, err
}

// Kernels runs tests that need certain kinds of devices: on this machine or, if its kernel lacks
// them, in a guest, which is booted for the first such test. Tests may run in parallel; in the
// guest they run one after another.
type Kernels struct {
	// Owner is the test at whose end the guest is closed.
	Owner testing.TB
	// Bin is the directory returned by Build.
	Bin string

	mu      sync.Mutex // held while a test runs in the guest
	machine *Machine
}

// modules are loaded in the guest.
var modules = []string{"ipv6", "tun", "af_packet", "veth", "bridge", "8021q", "macvlan", "ipvlan", "vxlan", "geneve", "ip_gre"}

// Run runs the test here or, if this kernel lacks kinds of devices, in the guest: the test program
// is run there for t alone, and calls Run again. Kinds are named as in ip-link(8).
func (k *Kernels) Run(t *testing.T, kinds []string, test func(*testing.T)) {
	t.Helper()
	missing := missingKinds(t, kinds)
	switch {
	case len(missing) == 0:
		test(t)
	case Inside():
		t.Fatalf("the guest's kernel has no devices of kind %v", missing)
	default:
		t.Logf("this kernel has no devices of kind %v: the test runs in a guest", missing)
		k.runInGuest(t)
	}
}

// runInGuest runs the test in the guest.
func (k *Kernels) runInGuest(t *testing.T) {
	t.Helper()
	roottest.Need(t, Programs...)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.machine == nil {
		k.machine = Boot(k.Owner, Config{Bin: k.Bin, Namespace: namespace(k.Owner), Modules: modules})
	}
	dir, err := os.Getwd()
	check(t, err)
	program := filepath.Join(k.Bin, filepath.Base(dir)+".test")
	pattern := "^" + strings.ReplaceAll(t.Name(), "/", "$/^") + "$"
	code, out := k.machine.Run(t, fmt.Sprintf("cd '%s' && UPPPOE_NOSKIP=1 %s='%s' '%s' -test.run '%s' -test.v",
		dir, programsEnv, k.Bin, program, pattern))
	if code != 0 || !strings.Contains(out, "--- PASS: "+t.Name()+" (") {
		t.Errorf("in the guest it ended with %d:\n%s", code, out)
	}
}

// missingKinds returns the kinds of devices that the kernel lacks.
func missingKinds(t testing.TB, kinds []string) (missing []string) {
	t.Helper()
	check(t, namespace(t).Do(func() error {
		for _, kind := range kinds {
			if !hasKind(kind) {
				missing = append(missing, kind)
			}
		}
		return nil
	}))
	return missing
}

// hasKind reports whether the kernel has a kind of devices: it checks the kind before other
// attributes, which it may reject.
func hasKind(kind string) bool {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe-" + kind
	attrs.ParentIndex = 1 // loopback: some kinds need a parent
	err := netlink.LinkAdd(&netlink.GenericLink{LinkAttrs: attrs, LinkType: kind})
	return !errors.Is(err, unix.EOPNOTSUPP)
}

func namespace(t testing.TB) *lab.Namespace {
	t.Helper()
	n, err := lab.NewNamespace()
	check(t, err)
	t.Cleanup(func() { n.Close() })
	return n
}
