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

// programsEnv is the environment variable that holds the directory of the host's programs,
// where a test runs in a guest.
const programsEnv = "UPPPOE_GUEST_PROGRAMS"

// Inside reports whether this process runs in a guest, as a test that Kernels runs.
func Inside() bool { return os.Getenv(programsEnv) != "" }

// Build builds commands of the project, as lab.Build does, and what Kernels needs to
// run the tests of a package in a guest. It returns their directory, and what removes
// it. In a guest they are there already.
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

// Kernels finds a kernel for each test that needs some kinds of devices: this
// machine's or, started with the first test that needs it, a guest's. Tests may run in
// parallel; those in the guest run one after another.
type Kernels struct {
	// Owner is the test with which the guest ends.
	Owner testing.TB
	// Bin is the directory that Build has made.
	Bin string

	mu      sync.Mutex // held while a test runs in the guest
	machine *Machine
}

// modules are what a guest for tests loads.
var modules = []string{"ipv6", "tun", "af_packet", "veth", "bridge", "8021q", "macvlan", "ipvlan", "vxlan", "geneve", "ip_gre"}

// Run runs the test here or, if this kernel lacks a kind of devices, in the guest.
// There the test program is started to run t and nothing else, and comes to this place
// once more. Kinds are called as ip-link(8) calls them.
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

// missingKinds are the kinds of devices that the kernel has not.
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

// hasKind reports whether the kernel has a kind of devices: it looks at the kind before it
// looks at the rest, which may be refused.
func hasKind(kind string) bool {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe-" + kind
	attrs.ParentIndex = 1 // loopback: some kinds need any
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
